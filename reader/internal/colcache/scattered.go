package colcache

import (
	"slices"
	"sort"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Found is rows of columns that are here, with references to the arrays in which they lie.
type Found interface {
	// Arrays are the columns, the caller's to release: those that are kept where the rows are one of them as it is, unless copies are asked for.
	Arrays(mem memory.Allocator, copied bool) ([]arrow.Array, error)
	// Whole tells whether each column is one array as it is.
	Whole() bool
	// Release gives the references back.
	Release()
}

// stretch is the Pieces of each column.
type stretch []Pieces

func (f stretch) Arrays(mem memory.Allocator, copied bool) ([]arrow.Array, error) {
	return collect(len(f), func(i int) (arrow.Array, error) { return f[i].Array(mem, copied) })
}

func (f stretch) Whole() bool {
	return !slices.ContainsFunc(f, func(p Pieces) bool { return !p.Whole() })
}

func (f stretch) Release() {
	for _, p := range f {
		p.Release()
	}
}

// collect makes n arrays, all or none.
func collect(n int, one func(i int) (arrow.Array, error)) ([]arrow.Array, error) {
	out := make([]arrow.Array, 0, n)
	for i := range n {
		a, err := one(i)
		if err != nil {
			releaseAll(out)
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func releaseAll(all []arrow.Array) {
	for _, a := range all {
		a.Release()
	}
}

// segment is rows from up to to, which an array has from its row first on.
type segment struct {
	from, to, first int64
	of              *kept
}

// scattered is rows in any order, and for each column the segments in which they lie, by row.
type scattered struct {
	rows    []int64
	columns [][]segment
}

// FindRows gives rows, at least one, in any order and maybe several times, of each column; nil where some are not here.
func (d Dataset) FindRows(names []string, rows []int64) Found {
	f, sorted := &scattered{rows: rows}, ascending(rows)
	for _, name := range names {
		s := d.Cache.segments(Series{d.File, d.Object, name}, sorted, true)
		if s == nil {
			f.Release()
			return nil
		}
		f.columns = append(f.columns, s)
	}
	return f
}

// HasRows tells whether rows of each column are here.
func (d Dataset) HasRows(names []string, rows []int64) bool {
	sorted := ascending(rows)
	return !slices.ContainsFunc(names, func(name string) bool {
		return d.Cache.segments(Series{d.File, d.Object, name}, sorted, false) == nil
	})
}

// ascending is the same rows in order, those of others as they are.
func ascending(rows []int64) []int64 {
	if slices.IsSorted(rows) {
		return rows
	}
	out := slices.Clone(rows)
	slices.Sort(out)
	return out
}

// segments are those in which ascending rows of a column lie, with references if they are to be used; nil where some are not here.
func (c *Cache) segments(s Series, rows []int64, use bool) (out []segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := int64(0) // of the last segment
	for _, row := range rows {
		if row < end {
			continue
		}
		k := c.at(s, row)
		if k == nil {
			c.count(use, false)
			return nil
		}
		from := max(end, k.start)
		end = k.start + k.n
		out = append(out, segment{from, end, from - k.start, k})
	}
	for i := 0; use && i < len(out); i++ {
		c.policy.GetIfPresent(out[i].of.extent) // counts as a use
		out[i].of.values.Retain()
	}
	c.count(use, true)
	return out
}

// at is an array in which a row lies. Called locked.
func (c *Cache) at(s Series, row int64) *kept {
	all := c.series[s]
	i := sort.Search(len(all), func(i int) bool { return all[i].start > row }) - 1
	for tries := 0; i >= 0 && tries < farBack; i, tries = i-1, tries+1 {
		if k := all[i]; k.start+k.n > row {
			return k
		}
	}
	return nil
}

// count counts what was asked for and is here or not.
func (c *Cache) count(asked, hit bool) {
	switch {
	case asked && hit:
		c.hits++
	case asked:
		c.misses++
	}
}

func (f *scattered) Whole() bool { return false }

func (f *scattered) Release() {
	for _, column := range f.columns {
		for _, s := range column {
			s.of.values.Release()
		}
	}
	f.columns = nil
}

func (f *scattered) Arrays(mem memory.Allocator, _ bool) ([]arrow.Array, error) {
	var at []place
	return collect(len(f.columns), func(i int) (arrow.Array, error) {
		if i == 0 || !alike(f.columns[i-1], f.columns[i]) {
			at = places(at[:0], f.columns[i], f.rows)
		}
		arrays := make([]arrow.ArrayData, len(f.columns[i]))
		for k, s := range f.columns[i] {
			arrays[k] = s.of.values.Data()
		}
		g := gatherer{mem}
		data := g.gather(arrays, at)
		defer data.Release()
		return makeArray(data), nil
	})
}

// alike tells whether the same rows of two columns lie at the same places.
func alike(a, b []segment) bool {
	return slices.EqualFunc(a, b, func(x, y segment) bool { return x.from == y.from && x.to == y.to && x.first == y.first })
}

// place is a row of one of several arrays.
type place struct{ array, row int32 }

// places finds rows in segments.
func places(out []place, in []segment, rows []int64) []place {
	last := 0
	for _, row := range rows {
		if s := in[last]; row < s.from || row >= s.to {
			last = sort.Search(len(in), func(i int) bool { return in[i].to > row })
		}
		s := in[last]
		out = append(out, place{int32(last), int32(s.first + row - s.from)})
	}
	return out
}
