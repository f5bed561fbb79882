package collection

import (
	"cmp"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// made is a column whose values no file holds: one value in all rows of a file.
type made struct {
	name string
	key  bool             // of a folder name=VALUE; false: the files' names
	text bool             // whether values are texts; false: integers
	at   map[string]int32 // where texts are in the column's dictionary
}

// madeOf are the columns that a request has beside those in the files. Errors: those of partitionKeys.
func madeOf(files []reader.Location, r reader.Request) (out []*made, err error) {
	if r.Options.Partitions {
		if out, err = partitionKeys(files, r.Options.TextKeys); err != nil {
			return nil, err
		}
	}
	if name := r.Options.FileColumn; name != "" {
		if slices.ContainsFunc(out, func(m *made) bool { return m.name == name }) {
			return nil, fault.New(fault.Invalid, "options.file_column: there is a folder %s=..: choose another name", name)
		}
		out = append(out, &made{name: name, text: true})
	}
	for _, m := range out {
		if r.Vars[m.name] != nil {
			return nil, fault.New(fault.Invalid, "vars: %s is a column of all files too: choose another name", spell.Quote(m.name))
		}
	}
	return out, nil
}

// value is that of a file's rows: an int64, a string, or nil for null.
func (m *made) value(of reader.Location) any {
	if !m.key {
		return of.Name
	}
	text, known := partition(of.Name, m.name)
	if !known {
		return nil
	}
	if m.text {
		return text
	}
	n, _ := integer(text)
	return n
}

// ownFields are the fields that files may have; nil: all are asked for.
func ownFields(r reader.Request, all []*made) []string {
	if r.Fields == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Fields), func(f string) bool { return slices.ContainsFunc(all, func(m *made) bool { return m.name == f }) })
}

// withMade adds the columns that no file has: where fields have them, or behind the others; of folders only those that fields have.
func withMade(columns []column, all []*made, r reader.Request) []column {
	type placed struct {
		*made
		at int
	}
	var order []placed
	for _, m := range all {
		at := slices.Index(r.Fields, m.name)
		if at < 0 && m.key && r.Fields != nil {
			continue
		}
		if at < 0 {
			at = len(columns) + len(all)
		}
		order = append(order, placed{m, at})
	}
	slices.SortStableFunc(order, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	for _, m := range order {
		columns = slices.Insert(columns, min(m.at, len(columns)), column{Field: m.field(r), made: m.made})
	}
	return columns
}

// field is the column's, of type.
func (m *made) field(r reader.Request) arrow.Field {
	f := arrow.Field{Name: m.name, Type: merged, Nullable: true}
	switch {
	case !m.text:
		f.Type = arrow.PrimitiveTypes.Int64
	case r.Options.Plain:
		f.Type = arrow.BinaryTypes.String
	}
	return f
}

// words is the dictionary of the texts of files.
func (m *made) words(members []member) arrow.Array {
	m.at = map[string]int32{}
	var words []string
	for i := range members {
		text, is := m.value(members[i].loc).(string)
		if _, known := m.at[text]; is && !known {
			m.at[text] = int32(len(words))
			words = append(words, text)
		}
	}
	return textOf(words)
}

// rows are n rows of a file.
func (m *made) rows(mem memory.Allocator, c column, of member, n int) arrow.Array {
	v := m.value(of.loc)
	switch v := v.(type) {
	case nil:
		if c.words == nil {
			return nullsOf(mem, c.Type, n)
		}
		return recoded(mem, n, c.words, func(int) int32 { return -1 })
	case int64:
		b := array.NewInt64Builder(mem)
		defer b.Release()
		b.Reserve(n)
		for range n {
			b.UnsafeAppend(v)
		}
		return b.NewArray()
	case string:
		if c.words == nil {
			return repeated(mem, v, n)
		}
		at := m.at[v]
		return recoded(mem, n, c.words, func(int) int32 { return at })
	}
	return nil
}
