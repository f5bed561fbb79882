package collection

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// Dictionaries are made one by their texts before the first batch, since a stream, and a file of Arrow's, has one dictionary a column.

// maxWords bounds the texts of a dictionary that was merged.
const maxWords = 64 << 20

// merge makes the dictionaries of each column one. What a file's are its first row tells.
func (s *set) merge(ctx context.Context, r reader.Request) error {
	words := make([]dictionary, len(s.columns))
	variants := s.variants()
	for i, c := range s.columns {
		if c.made != nil && c.Type.ID() == arrow.DICTIONARY {
			s.columns[i].words = c.made.words(s.members)
		}
	}
	if !s.coded() {
		return nil
	}
	for i, m := range s.members { // in their order
		if variants[m.variant] != i && m.variant.maps != nil {
			continue
		}
		if m.rows == 0 {
			continue
		}
		if err := s.learn(ctx, m, r, words, len(variants) == 1); err != nil {
			return named(m.loc, err)
		}
	}
	for i := range s.columns {
		if words[i].at != nil {
			s.columns[i].words = textOf(words[i].words)
		}
	}
	return nil
}

// coded tells whether a column of the files has a dictionary.
func (s *set) coded() bool {
	return slices.ContainsFunc(s.columns, func(c column) bool { return c.Type.ID() == arrow.DICTIONARY && c.made == nil })
}

type dictionary struct {
	words []string
	at    map[string]int32
	bytes int
}

// learn adds the dictionaries of a file's columns, and notes for its variant where its words are. Of an only variant they stay what they are where they
// are no texts.
func (s *set) learn(ctx context.Context, m member, r reader.Request, all []dictionary, alone bool) error {
	one := int64(1)
	q := whole(r, m.variant.asked, m.state)
	q.Limit = &one
	run, err := start(ctx, s.eng, m, q)
	if err != nil {
		return err
	}
	defer run.Release()
	if !run.Next() {
		return run.Err()
	}
	m.variant.maps = make([][]int32, len(s.columns))
	for i, c := range s.columns {
		k := slices.IndexFunc(m.variant.schema.Fields(), func(f arrow.Field) bool { return f.Name == c.Name })
		if c.made != nil || k < 0 || c.Type.ID() != arrow.DICTIONARY {
			continue
		}
		d, ok := run.Record().Column(k).(*array.Dictionary).Dictionary().(*array.String)
		if !ok && alone {
			continue
		}
		if !ok {
			return fault.New(fault.Unsupported, "column %s: its dictionary is of %s: dictionaries of several files are made one by text alone", c.Name, c.Type)
		}
		if m.variant.maps[i], err = all[i].add(d); err != nil {
			return err
		}
	}
	return nil
}

// add gives the places of an array's words among all.
func (d *dictionary) add(a *array.String) ([]int32, error) {
	if d.at == nil {
		d.at = map[string]int32{}
	}
	out := make([]int32, a.Len())
	for i := range out {
		if a.IsNull(i) {
			out[i] = -1
			continue
		}
		at, ok := d.at[a.Value(i)]
		if !ok {
			word := string([]byte(a.Value(i)))
			if d.bytes += len(word) + 32; d.bytes > maxWords {
				return nil, fault.New(fault.Exhausted, "the dictionaries of all files take more than %d MiB: choose other columns by fields, or options.plain", maxWords>>20)
			}
			at = int32(len(d.words))
			d.words, d.at[word] = append(d.words, word), at
		}
		out[i] = at
	}
	return out, nil
}

// textOf is texts in Go's memory.
func textOf(words []string) arrow.Array {
	b := array.NewStringBuilder(memory.NewGoAllocator())
	defer b.Release()
	b.AppendValues(words, nil)
	return b.NewArray()
}

// repeated is one text in each of n rows.
func repeated(mem memory.Allocator, word string, n int) arrow.Array {
	b := array.NewStringBuilder(mem)
	defer b.Release()
	b.Reserve(n)
	b.ReserveData(n * len(word))
	for range n {
		b.Append(word)
	}
	return b.NewArray()
}

// nullsOf is n nulls of any type.
func nullsOf(mem memory.Allocator, t arrow.DataType, n int) arrow.Array {
	return array.MakeArrayOfNull(cleared{mem}, t, n)
}

// cleared gives memory of zeros, which Arrow's nulls are made of; that of a pool is not.
type cleared struct{ memory.Allocator }

func (c cleared) Allocate(n int) []byte {
	b := c.Allocator.Allocate(n)
	clear(b)
	return b
}

// Reallocate is never asked for more than was allocated, but would clear it, too.
func (c cleared) Reallocate(n int, b []byte) []byte {
	old := len(b)
	b = c.Allocator.Reallocate(n, b)
	if n > old {
		clear(b[old:n])
	}
	return b
}

// recoded is n rows over a dictionary, each by the place of its word; -1 is null.
func recoded(mem memory.Allocator, n int, words arrow.Array, place func(row int) int32) arrow.Array {
	codes, valid := memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem)
	defer codes.Release()
	defer valid.Release()
	codes.Resize(4 * n)
	valid.Resize(int(bitutil.BytesForBits(int64(n))))
	clear(valid.Bytes())
	out, nulls := arrow.GetData[int32](codes.Bytes()), 0
	for i := range n {
		if out[i] = place(i); out[i] < 0 {
			out[i] = 0
			nulls++
			continue
		}
		bitutil.SetBit(valid.Bytes(), i)
	}
	buffers := []*memory.Buffer{valid, codes}
	if nulls == 0 {
		buffers[0] = nil
	}
	data := array.NewDataWithDictionary(merged, n, buffers, nulls, 0, words.Data().(*array.Data))
	defer data.Release()
	return array.MakeFromData(data)
}
