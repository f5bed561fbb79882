package frame

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
)

// newLevels takes values that lie in Go's heap; those that are null stand for none.
func newLevels(a arrow.Array) *Levels {
	if a.NullN() == 0 {
		return &Levels{Values: a}
	}
	l := &Levels{Remap: make([]int, a.Len())}
	var kept []int
	for i := range l.Remap {
		if l.Remap[i] = -1; a.IsValid(i) {
			l.Remap[i] = len(kept)
			kept = append(kept, i)
		}
	}
	data, err := take(memory.DefaultAllocator, a.Data(), kept)
	if err != nil { // of a type that can't be taken: as it is
		return &Levels{Values: a}
	}
	l.Values = array.MakeFromData(data)
	return l
}

// emptyOf is no values of a type; nil: float64, as pandas has it.
func emptyOf(t arrow.DataType) arrow.Array {
	if t == nil {
		t = arrow.PrimitiveTypes.Float64
	}
	return array.MakeArrayOfNull(memory.DefaultAllocator, t, 0)
}

// code is the level that a code chooses, -1 for none.
func (l *Levels) code(v int64) (int, error) {
	n := l.Values.Len()
	if l.Remap != nil {
		n = len(l.Remap)
	}
	switch {
	case v < 0:
		return -1, nil
	case v >= int64(n):
		return 0, fault.New(fault.DataLoss, "code %d of %d categories", v, n)
	case l.Remap != nil:
		return l.Remap[v], nil
	}
	return int(v), nil
}

// codes are all codes, checked.
func (l *Levels) codes(data arrow.ArrayData) ([]int, error) {
	at, err := integers(data)
	if err != nil {
		return nil, err
	}
	out := make([]int, data.Len())
	for i := range out {
		if out[i], err = l.code(at(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// chosen is the values of codes.
func (l *Levels) chosen(mem memory.Allocator, data arrow.ArrayData) (arrow.ArrayData, error) {
	codes, err := l.codes(data)
	if err != nil {
		return nil, err
	}
	return take(mem, l.Values.Data(), codes)
}

// dictionary is codes with their values; the codes' own buffer where they are the indices.
func (l *Levels) dictionary(mem memory.Allocator, data arrow.ArrayData, t arrow.DataType) (arrow.ArrayData, error) {
	codes, err := l.codes(data)
	if err != nil {
		return nil, err
	}
	if l.Remap != nil {
		data = recoded(mem, data, codes)
	} else {
		data.Retain()
	}
	defer data.Release()
	masked, err := retyped(mem, data, data.DataType(), func(i int) bool { return codes[i] < 0 })
	if err != nil {
		return nil, err
	}
	defer masked.Release()
	return array.NewDataWithDictionary(t, masked.Len(), masked.Buffers(), nulls(masked.Buffers()[0]), masked.Offset(),
		l.Values.Data().(*array.Data)), nil
}

// recoded is integers of the same type with other values.
func recoded(mem memory.Allocator, data arrow.ArrayData, codes []int) arrow.ArrayData {
	width := data.DataType().(arrow.FixedWidthDataType).Bytes()
	buf := newBuffer(mem, width*len(codes))
	defer buf.Release()
	b := buf.Bytes()
	for i, c := range codes {
		for k := range width {
			b[i*width+k] = byte(c >> (8 * min(k, 7)))
		}
	}
	return array.NewData(data.DataType(), len(codes), []*memory.Buffer{nil, buf}, nil, 0, 0)
}

// integers reads values of integer types, and of timestamps.
func integers(data arrow.ArrayData) (func(i int) int64, error) {
	off := data.Offset()
	b := values(data)
	switch data.DataType().ID() {
	case arrow.INT8:
		return of(arrow.Int8Traits.CastFromBytes(b), off), nil
	case arrow.INT16:
		return of(arrow.Int16Traits.CastFromBytes(b), off), nil
	case arrow.INT32:
		return of(arrow.Int32Traits.CastFromBytes(b), off), nil
	case arrow.INT64, arrow.TIMESTAMP:
		return of(arrow.Int64Traits.CastFromBytes(b), off), nil
	case arrow.UINT8:
		return of(arrow.Uint8Traits.CastFromBytes(b), off), nil
	case arrow.UINT16:
		return of(arrow.Uint16Traits.CastFromBytes(b), off), nil
	case arrow.UINT32:
		return of(arrow.Uint32Traits.CastFromBytes(b), off), nil
	case arrow.UINT64:
		return of(arrow.Uint64Traits.CastFromBytes(b), off), nil
	}
	return nil, unsupported("%s are no integers", data.DataType())
}

func of[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](v []T, off int) func(i int) int64 {
	return func(i int) int64 { return int64(v[off+i]) }
}
