package collection

import (
	"cmp"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// column is one of a collection.
type column struct {
	arrow.Field
	of    string      // the file whose type it has
	made  *made       // no file has it; nil: some do
	words arrow.Array // of its dictionary, of all files; nil: it has none, or each file's is left as it is
}

// columnsOf makes the columns of all files one list: those of the first file, then what others add. which are the files without
// which it would be another list. Errors: fault.Precondition naming two files, a column and what helps.
func columnsOf(all []member, r reader.Request) (columns []column, which []int, err error) {
	seen, enums := map[*variant]bool{}, map[string]*variant{}
	for i, m := range all {
		v := m.variant
		if seen[v] {
			continue
		}
		seen[v] = true
		if err := cmp.Or(checkAlike(all[0].variant, v), sameCodes(enums, v)); err != nil {
			return nil, nil, err
		}
		added, err := add(&columns, v, m.loc.Name, i == 0, r)
		if err != nil {
			return nil, nil, err
		}
		if added {
			which = append(which, i)
		}
	}
	columns, err = chosen(columns, all, r)
	return columns, which, err
}

// add adds the columns of a variant, and tells whether that changed anything.
func add(columns *[]column, v *variant, name string, first bool, r reader.Request) (changed bool, err error) {
	if first {
		for _, f := range v.schema.Fields() {
			*columns = append(*columns, column{Field: coded(f), of: name})
		}
		return true, nil
	}
	if r.Options.Schema == "strict" {
		return false, same(*columns, v, name)
	}
	for _, f := range v.schema.Fields() {
		f = coded(f)
		i := slices.IndexFunc(*columns, func(c column) bool { return c.Name == f.Name })
		if i < 0 {
			*columns, changed = append(*columns, column{Field: f, of: name}), true
			continue
		}
		c := &(*columns)[i]
		u, ok := unifiedField(c.Field, f)
		if !ok {
			return false, differ(c, f, name, "no type holds the values of both exactly")
		}
		if !arrow.TypeEqual(u.Type, c.Type) {
			c.Field, c.of, changed = u, name, true
		}
	}
	return changed, nil
}

// coded has the type of merged dictionaries for one of texts.
func coded(f arrow.Field) arrow.Field {
	if d, ok := f.Type.(*arrow.DictionaryType); ok && texts(d) {
		f.Type = merged
	}
	return f
}

// same refuses all that is not as in the first file.
func same(columns []column, v *variant, name string) error {
	for i, f := range v.schema.Fields() {
		f = coded(f)
		switch {
		case i >= len(columns):
			return fault.New(fault.Precondition, "%s has a column %s, which %s has not: leave out options.schema \"strict\", or choose fields", name, spell.Quote(f.Name), columns[0].of)
		case columns[i].Name != f.Name || !arrow.TypeEqual(columns[i].Type, f.Type) || meaning(columns[i].Metadata) != meaning(f.Metadata):
			return differ(&columns[i], f, name, `options.schema is "strict"`)
		}
	}
	if n := len(v.schema.Fields()); n < len(columns) {
		return fault.New(fault.Precondition, "%s has no column %s, which %s has: leave out options.schema \"strict\", or choose fields", name, spell.Quote(columns[n].Name), columns[0].of)
	}
	return nil
}

func differ(c *column, f arrow.Field, name, why string) error {
	return fault.New(fault.Precondition, "column %s is %s in %s, and %s %s in %s: %s; choose others by fields", spell.Quote(c.Name), c.Type, c.of, spell.Quote(f.Name), f.Type, name, why)
}

// chosen puts the columns in the order of fields, as far as files have them. Where no file lacks one they are so already, by whatever names
// options.plain and options.layout give them.
func chosen(columns []column, all []member, r reader.Request) ([]column, error) {
	fields, everywhere := r.Fields, true
	for _, f := range fields {
		known := false
		for _, m := range all {
			has := m.variant.types[f] != ""
			known, everywhere = known || has, everywhere && has
		}
		if !known {
			names := slices.Sorted(maps.Keys(all[0].variant.types))
			return nil, fault.New(fault.NotFound, "no column %s in any of the files%s", spell.Quote(f), near.Hint(f, names))
		}
	}
	if !everywhere {
		var out []column
		for _, f := range fields {
			i := slices.IndexFunc(columns, func(c column) bool { return c.Name == f })
			if i < 0 {
				return nil, fault.New(fault.Precondition, "column %s is not in all of the files: leave out options.plain and options.layout", spell.Quote(f))
			}
			out = append(out, columns[i])
		}
		columns = out
	}
	return columns, nil
}
