package index

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// Table is a dataset whose columns may have indexes.
type Table struct {
	Path      string // in its file
	Source    convert.Source
	Shape     []int64
	ChunkRows int64 // 0: it is not chunked
	Groups    func(ctx context.Context, path string) ([]string, error)
	Group     func(ctx context.Context, path string) (meta.Group, error)
	Array     func(ctx context.Context, path string) (*Array, error) // of the same file
}

// Array is one of the arrays that an index consists of.
type Array struct {
	Source convert.Source
	Shape  []int64
	Attrs  meta.Attrs
	// Read uses records of what a NumPy index takes (empty: of all), until use has enough.
	Read func(ctx context.Context, index string, o convert.Options, use func(arrow.Record) (more bool)) error
}

// maxIndexBounds is how many bytes of an index's bounds are kept in memory.
const maxIndexBounds = 32 << 20

// Index is PyTables' index of a column. Its rows are candidates: whoever asks checks each again.
//
// Order lists rows in the order of the column; only where Sorted, and with Indexed as many as the table's rows, it is
// that of all rows; of texts only where they have no NUL inside (see orders).
type Index struct {
	*ptindex.Index
	arrays *indexArrays

	mu     sync.Mutex
	inside *bool // whether a text has a NUL inside; nil: not known yet
}

// Columns are the indexes of a table's columns, each opened once. Safe for concurrent use.
type Columns struct {
	Table Table

	mu    sync.Mutex
	known map[string]foundIndex
}

type foundIndex struct {
	index *Index
	why   string
}

// Index finds the usable index of a column: none is nil and why. Errors are the context's and such that the next
// call may not have.
func (x *Columns) Index(ctx context.Context, column string) (ix *Index, why string, err error) {
	x.mu.Lock()
	found, ok := x.known[column]
	x.mu.Unlock()
	if ok {
		return found.index, found.why, nil
	}
	found.index, err = x.Table.openIndex(ctx, column)
	switch fault.Of(err) {
	case fault.NotFound, fault.Unsupported, fault.Precondition:
		found.why = err.Error()
	case fault.DataLoss: // maybe of a helper that died: not for good
		return nil, err.Error(), nil
	default:
		if err != nil {
			return nil, "", err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.known == nil {
		x.known = map[string]foundIndex{}
	}
	x.known[column] = found
	return found.index, found.why, nil
}

// Names are those that PyTables keeps an index of: the groups below _i_NAME beside the table.
func (x *Columns) Names(ctx context.Context) ([]string, error) {
	return x.Table.Groups(ctx, x.Table.indexGroup())
}

func (t *Table) indexGroup() string {
	return path.Join(path.Dir(t.Path), "_i_"+path.Base(t.Path))
}

// openIndex reads an index's measures and bounds. Every reason against using it is an error with a kind.
func (t *Table) openIndex(ctx context.Context, column string) (*Index, error) {
	if t.Source.Class != "TABLE" || len(t.Shape) != 1 || t.ChunkRows == 0 {
		return nil, fault.New(fault.NotFound, "only chunked tables of PyTables have indexes")
	}
	a := &indexArrays{table: t}
	group := path.Join(t.indexGroup(), column)
	if err := a.open(ctx, group); err != nil {
		return nil, err
	}
	attrs, err := t.indexAttributes(ctx, group)
	if err != nil {
		return nil, err
	}
	if err := a.measure(ctx, attrs, column); err != nil {
		return nil, err
	}
	ranges, bounds, err := a.limits(ctx)
	if err != nil {
		return nil, err
	}
	x, err := ptindex.New(a.shape, ranges, bounds, a)
	if err != nil {
		return nil, err
	}
	return &Index{Index: x, arrays: a}, nil
}

// indexAttributes are those of an index's group, if PyTables would use it.
func (t *Table) indexAttributes(ctx context.Context, group string) (meta.Attrs, error) {
	g, err := t.Group(ctx, group)
	if err != nil {
		return meta.Attrs{}, fault.New(fault.Of(err), "no index: %w", err)
	}
	class, cerr := g.Attrs.Text("CLASS")
	version, verr := g.Attrs.Text("VERSION")
	if err := errors.Join(cerr, verr); err != nil {
		return meta.Attrs{}, err
	}
	if class != "INDEX" || version != "2.0" && version != "2.1" {
		return meta.Attrs{}, fault.New(fault.Unsupported, "an index of version %q", version)
	}
	if dirty(g.Attrs) {
		return meta.Attrs{}, fault.New(fault.Precondition, "the index is dirty: the table changed after it was made")
	}
	return g.Attrs, nil
}

// dirty is PyTables' flag, stored as a truth value or a number; what can't be read counts as set.
func dirty(attrs meta.Attrs) bool {
	v, err := attrs.Value("DIRTY")
	return err != nil || v != nil && string(v) != "0" && string(v) != "false"
}

// attribute is one that is an integer.
func attribute(attrs meta.Attrs, name string) (int64, error) {
	v, err := attrs.Value(name)
	var n int64
	if err != nil || json.Unmarshal(v, &n) != nil {
		return 0, fault.New(fault.DataLoss, "an index without the attribute %s", name)
	}
	return n, nil
}

// indexArrays reads the arrays of an index.
type indexArrays struct {
	table               *Table
	sorted, indices     *Array
	sortedLR, indicesLR *Array
	ranges, bounds      *Array
	shape               ptindex.Shape
}

func (a *indexArrays) open(ctx context.Context, group string) error {
	for _, part := range []struct {
		name string
		into **Array
		axes int
	}{
		{"sorted", &a.sorted, 2}, {"indices", &a.indices, 2}, {"sortedLR", &a.sortedLR, 1}, {"indicesLR", &a.indicesLR, 1},
		{"ranges", &a.ranges, 2}, {"bounds", &a.bounds, 2},
	} {
		array, err := a.table.Array(ctx, group+"/"+part.name)
		if err != nil {
			if part.name == "sorted" && fault.Of(err) == fault.NotFound {
				return fault.New(fault.NotFound, "no index")
			}
			return err
		}
		if len(array.Shape) != part.axes {
			return fault.New(fault.DataLoss, "%s of an index has %d axes", part.name, len(array.Shape))
		}
		*part.into = array
	}
	return nil
}

// measure fills the shape.
func (a *indexArrays) measure(ctx context.Context, attrs meta.Attrs, column string) (err error) {
	s := &a.shape
	if s.Class, err = a.class(column); err != nil {
		return err
	}
	s.IndexSize = a.indices.Source.Type.Size
	s.Slices, s.TableRows, s.TableChunk = a.sorted.Shape[0], a.table.Shape[0], a.table.ChunkRows
	s.Reduction = 1
	for name, into := range map[string]*int64{"blocksize": &s.Block, "slicesize": &s.Slice, "chunksize": &s.Chunk} {
		if *into, err = attribute(attrs, name); err != nil {
			return err
		}
	}
	if version, _ := attrs.Text("VERSION"); version == "2.0" {
		err = a.measureLast20(ctx)
	} else {
		err = a.measureLast21(attrs)
	}
	if err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	return a.agree()
}

// class is the order of the values, the same in the column and in the index.
func (a *indexArrays) class(column string) (ptindex.Class, error) {
	of, ok, err := ClassOf(a.table.Source, column)
	if err != nil {
		return 0, err
	}
	t, err := TypeAsValue(a.sorted.Source, a.sorted.Source.Name)
	if err != nil {
		return 0, err
	}
	list, isList := t.(*arrow.FixedSizeListType)
	switch {
	case !ok || !isList:
		return 0, fault.New(fault.Unsupported, "an index of values that have no order")
	case list.Elem().ID() == arrow.FLOAT16:
		return 0, fault.New(fault.Unsupported, "an index of 16-bit floats, which PyTables orders by their bits")
	}
	if have, ok := ClassOfType(list.Elem()); !ok || of != have {
		return 0, fault.New(fault.Unsupported, "the index holds values of another type than the column")
	}
	return of, nil
}

func (a *indexArrays) measureLast21(attrs meta.Attrs) (err error) {
	if a.shape.Reduction, err = attribute(attrs, "reduction"); err != nil {
		return err
	}
	if a.shape.Last, err = attribute(a.indicesLR.Attrs, "nelements"); err != nil {
		return err
	}
	a.shape.LastKeys, err = attribute(a.sortedLR.Attrs, "nelements")
	return err
}

// measureLast20 knows the older form: the count is the last element of indicesLR.
func (a *indexArrays) measureLast20(ctx context.Context) error {
	n := a.indicesLR.Shape[0]
	if n == 0 {
		return fault.New(fault.DataLoss, "indicesLR of an index is empty")
	}
	v, err := a.indicesLR.keys(ctx, strconv.FormatInt(n-1, 10)+":")
	if err == nil {
		a.shape.Last = int64(rowNumbers(v, a.indicesLR)[0])
		a.shape.LastKeys = a.shape.Last
	}
	return err
}

// agree checks the arrays' extents against the measures.
func (a *indexArrays) agree() error {
	s := a.shape
	last := int64(0)
	if s.Last > 0 {
		last = s.LastKeys + s.Bounds(s.Slices) + 2
	}
	if a.sorted.Shape[1] != s.Keys(0) && s.Slices > 0 || a.indices.Shape[0] != s.Slices || s.Slices > 0 && a.indices.Shape[1] != s.Slice ||
		a.indicesLR.Shape[0] < s.Last || a.sortedLR.Shape[0] < last || a.ranges.Shape[0] != s.Slices || a.ranges.Shape[1] != 2 ||
		s.Slices > 0 && (a.bounds.Shape[0] != s.Slices || a.bounds.Shape[1] != s.Bounds(0)) {
		return fault.New(fault.DataLoss, "the arrays of the index contradict its measures")
	}
	if bytes := (2*s.Parts() + s.Slices*s.Bounds(0)) * int64(max(24, a.sorted.Source.Type.Size)); bytes > maxIndexBounds {
		return fault.New(fault.Unsupported, "the index has %d bytes of bounds, too many to keep", bytes)
	}
	return nil
}

// limits reads the first- and second-level bounds, those of the unfinished slice last.
func (a *indexArrays) limits(ctx context.Context) (ranges, bounds ptindex.Keys, err error) {
	s := a.shape
	if s.Slices > 0 {
		if ranges, err = a.ranges.keys(ctx, ""); err != nil {
			return ranges, bounds, err
		}
		if s.Bounds(0) > 0 {
			if bounds, err = a.bounds.keys(ctx, ""); err != nil {
				return ranges, bounds, err
			}
		}
	}
	if s.Last > 0 {
		ends, err := a.sortedLR.keys(ctx, span2(s.LastKeys, s.LastKeys+s.Bounds(s.Slices)+2))
		if err != nil {
			return ranges, bounds, err
		}
		n := ends.Len()
		bounds = joined(bounds, ends.Slice(1, n-1))
		ranges = joined(joined(ranges, ends.Slice(0, 1)), ends.Slice(n-1, n))
	}
	return ranges, bounds, nil
}

func joined(a, b ptindex.Keys) ptindex.Keys {
	return ptindex.Keys{Num: append(a.Num, b.Num...), Str: append(a.Str, b.Str...)}
}

func span2(lo, hi int64) string { return fmt.Sprintf("%d:%d", lo, hi) }

// Sorted is part of ptindex.Arrays.
func (a *indexArrays) Sorted(ctx context.Context, part, lo, hi int64) (ptindex.Keys, error) {
	if part < a.shape.Slices {
		return a.sorted.keys(ctx, fmt.Sprintf("%d, %d:%d", part, lo, hi))
	}
	return a.sortedLR.keys(ctx, span2(lo, hi))
}

// Indices is part of ptindex.Arrays.
func (a *indexArrays) Indices(ctx context.Context, part, lo, hi int64) ([]uint64, error) {
	array, what := a.indicesLR, span2(lo, hi)
	if part < a.shape.Slices {
		array, what = a.indices, fmt.Sprintf("%d, %d:%d", part, lo, hi)
	}
	keys, err := array.keys(ctx, what)
	if err != nil {
		return nil, err
	}
	return rowNumbers(keys, array), nil
}

// rowNumbers turns keys of unsigned integers back into them.
func rowNumbers(k ptindex.Keys, of *Array) []uint64 {
	if t := of.Source.Type; t.Size < 8 || t.Signed {
		for i, v := range k.Num {
			k.Num[i] = v ^ 1<<63
		}
	}
	return k.Num
}

// keys reads what a NumPy index takes of an array, all of it for "".
func (x *Array) keys(ctx context.Context, index string) (k ptindex.Keys, err error) {
	var failed error
	err = x.Read(ctx, index, AsValues, func(r arrow.Record) bool {
		failed = AppendKeys(&k, r.Column(0))
		return failed == nil
	})
	return k, cmp.Or(err, failed)
}
