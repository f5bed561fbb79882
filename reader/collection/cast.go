package collection

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/float16"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
)

// cast is an array of a type that unified gave for its own and others. Where it is its own it is the same array. The caller releases it.
func cast(mem memory.Allocator, a arrow.ArrayData, to arrow.DataType) (arrow.ArrayData, error) {
	from := a.DataType()
	if arrow.TypeEqual(from, to) {
		a.Retain()
		return a, nil
	}
	switch t := to.(type) {
	case *arrow.TimestampType:
		return finer(mem, a, to, int64(t.Unit.Multiplier()), int64(from.(*arrow.TimestampType).Unit.Multiplier()))
	case *arrow.DurationType:
		return finer(mem, a, to, int64(t.Unit.Multiplier()), int64(from.(*arrow.DurationType).Unit.Multiplier()))
	case *arrow.ListType:
		return children(mem, a, to, []arrow.DataType{t.Elem()})
	case *arrow.FixedSizeListType:
		return children(mem, a, to, []arrow.DataType{t.Elem()})
	case *arrow.StructType:
		types := make([]arrow.DataType, len(t.Fields()))
		for i, f := range t.Fields() {
			types[i] = f.Type
		}
		return children(mem, a, to, types)
	}
	return widened(mem, a, to), nil
}

// children casts what is below an array.
func children(mem memory.Allocator, a arrow.ArrayData, to arrow.DataType, types []arrow.DataType) (arrow.ArrayData, error) {
	var below []arrow.ArrayData
	defer func() {
		for _, c := range below {
			c.Release()
		}
	}()
	for i, c := range a.Children() {
		one, err := cast(mem, c, types[i])
		if err != nil {
			return nil, err
		}
		below = append(below, one)
	}
	return array.NewData(to, a.Len(), a.Buffers(), below, a.NullN(), a.Offset()), nil
}

// over is an array of the same length and nulls over another buffer, whose values begin with the array's first.
func over(mem memory.Allocator, a arrow.ArrayData, to arrow.DataType, size int, fill func(dst []byte)) arrow.ArrayData {
	buf := memory.NewResizableBuffer(mem)
	defer buf.Release()
	buf.Resize((a.Offset() + a.Len()) * size)
	clear(buf.Bytes()[:a.Offset()*size])
	fill(buf.Bytes()[a.Offset()*size:])
	return array.NewData(to, a.Len(), []*memory.Buffer{a.Buffers()[0], buf}, nil, a.NullN(), a.Offset())
}

// finer gives times in a finer unit. Errors: fault.Precondition where one does not fit; what lies below a null is none.
func finer(mem memory.Allocator, a arrow.ArrayData, to arrow.DataType, ticks, was int64) (arrow.ArrayData, error) {
	by := was / ticks // multipliers are nanoseconds of a tick
	var err error
	out := over(mem, a, to, 8, func(dst []byte) {
		src, out := valuesOf[int64](a), arrow.GetData[int64](dst)
		for i, v := range src {
			if (v > math.MaxInt64/by || v < math.MinInt64/by) && !null(a, i) {
				err = fault.New(fault.Precondition, "the time %d does not fit 64 bits in %s, the unit of other files: choose options.time \"numeric\", or fields", v, to)
			}
			out[i] = v * by
		}
	})
	if err != nil {
		out.Release()
		return nil, err
	}
	return out, nil
}

func null(a arrow.ArrayData, i int) bool {
	valid := a.Buffers()[0]
	return valid != nil && valid.Len() > 0 && bitutil.BitIsNotSet(valid.Bytes(), a.Offset()+i)
}

// number is a value of a column of numbers; those of float16 are taken for float32 first.
type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// valuesOf are the values of an array of fixed width.
func valuesOf[T number](a arrow.ArrayData) []T {
	if a.Len() == 0 {
		return nil
	}
	return arrow.GetData[T](a.Buffers()[1].Bytes())[a.Offset() : a.Offset()+a.Len()]
}

// widened gives numbers as wider ones.
func widened(mem memory.Allocator, a arrow.ArrayData, to arrow.DataType) arrow.ArrayData {
	return over(mem, a, to, width(to)/8, func(dst []byte) {
		switch a.DataType().ID() {
		case arrow.INT8:
			widen(dst, valuesOf[int8](a), to)
		case arrow.INT16:
			widen(dst, valuesOf[int16](a), to)
		case arrow.INT32:
			widen(dst, valuesOf[int32](a), to)
		case arrow.UINT8:
			widen(dst, valuesOf[uint8](a), to)
		case arrow.UINT16:
			widen(dst, valuesOf[uint16](a), to)
		case arrow.UINT32:
			widen(dst, valuesOf[uint32](a), to)
		case arrow.FLOAT16:
			widen(dst, halves(valuesOf[uint16](a)), to)
		case arrow.FLOAT32:
			widen(dst, valuesOf[float32](a), to)
		}
	})
}

func halves(v []uint16) []float32 {
	out := make([]float32, len(v))
	for i, bits := range v {
		out[i] = float16.FromBits(bits).Float32()
	}
	return out
}

func widen[F number](dst []byte, src []F, to arrow.DataType) {
	switch to.ID() {
	case arrow.INT16:
		into[F, int16](dst, src)
	case arrow.INT32:
		into[F, int32](dst, src)
	case arrow.INT64:
		into[F, int64](dst, src)
	case arrow.UINT16:
		into[F, uint16](dst, src)
	case arrow.UINT32:
		into[F, uint32](dst, src)
	case arrow.UINT64:
		into[F, uint64](dst, src)
	case arrow.FLOAT32:
		into[F, float32](dst, src)
	case arrow.FLOAT64:
		into[F, float64](dst, src)
	}
}

func into[F, T number](dst []byte, src []F) {
	out := arrow.GetData[T](dst)
	for i, v := range src {
		out[i] = T(v)
	}
}
