package colcache

import (
	"github.com/apache/arrow/go/v15/arrow"
)

// Dataset is what a scan knows of the cache: that of one object in one state of a file. The zero value keeps nothing.
type Dataset struct {
	Cache        *Cache
	File, Object uint64
	Near         bool // its columns take no decoding: none are kept
}

// Keeps tells whether all columns of a schema are of types that are kept: numbers, times, truth values, texts, and lists of a
// fixed length of those but texts.
func (d Dataset) Keeps(s *arrow.Schema) bool {
	if d.Cache == nil || d.Near {
		return false
	}
	for _, f := range s.Fields() {
		if !keeps(f.Type) {
			return false
		}
	}
	return s.NumFields() > 0
}

func keeps(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.StringType, *arrow.BinaryType, *arrow.FixedSizeBinaryType, *arrow.BooleanType:
		return true
	case *arrow.FixedSizeListType:
		return keepsNumbers(t.Elem())
	}
	return keepsNumbers(t)
}

func keepsNumbers(t arrow.DataType) bool {
	return arrow.IsPrimitive(t.ID()) && t.ID() != arrow.BOOL
}

// Add keeps columns, one for each name, of rows from start on, unless they are so small that as much would be kept beside their values.
func (d Dataset) Add(names []string, start int64, columns []arrow.Array) {
	sizes, total := make([]int64, len(columns)), int64(0)
	for i, c := range columns {
		sizes[i] = sizeOf(c.Data())
		total += sizes[i]
	}
	if total < leastBytes*int64(len(columns)) {
		return
	}
	for i, c := range columns {
		d.Cache.add(Series{d.File, d.Object, names[i]}, start, c, sizes[i])
	}
}

// Find gives n rows from start on of each column; nil where some are not here: again if that was so before.
func (d Dataset) Find(names []string, start, n int64) (found Found, again bool) {
	out := make(stretch, 0, len(names))
	for _, name := range names {
		p, again := d.Cache.find(Series{d.File, d.Object, name}, start, n)
		if p == nil {
			out.Release()
			return nil, again
		}
		out = append(out, p)
	}
	return out, false
}

// Fits tells whether a result of so many bytes can be kept as a whole.
func (d Dataset) Fits(bytes int64) bool { return d.Cache != nil && bytes <= d.Cache.limit }

// Small tells whether a result of so many bytes may be kept whenever it is read.
func (d Dataset) Small(bytes int64) bool { return d.Cache != nil && bytes <= d.Cache.limit/8 }

// Room tells whether so many bytes more can be kept without driving out others.
func (d Dataset) Room(bytes int64) bool {
	return d.Cache != nil && d.Cache.Held()+bytes <= d.Cache.limit
}

// Missed notes that rows of columns were missed, and tells whether they were before.
func (d Dataset) Missed(names []string, start, n int64) bool {
	d.Cache.mu.Lock()
	defer d.Cache.mu.Unlock()
	return d.Cache.miss(extent{Series{d.File, d.Object, names[0]}, start, n})
}

// Has tells whether n rows from start on of each column are here.
func (d Dataset) Has(names []string, start, n int64) bool {
	d.Cache.mu.Lock()
	defer d.Cache.mu.Unlock()
	for _, name := range names {
		if d.Cache.cover(Series{d.File, d.Object, name}, start, n) == nil {
			return false
		}
	}
	return true
}
