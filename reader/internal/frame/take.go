package frame

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
)

// strided is one item of every row's n: the same buffers if there are no others.
func strided(mem memory.Allocator, l *array.FixedSizeList, n, item int) (arrow.ArrayData, error) {
	first, rows := l.Data().Offset()*n, l.Len()
	data := l.ListValues().Data()
	if n == 1 {
		return array.NewSliceData(data, int64(first), int64(first+rows)), nil
	}
	if t, ok := data.DataType().(arrow.FixedWidthDataType); ok && t.BitWidth()%8 == 0 && simple(data) {
		return every(mem, data, t.Bytes(), first+item, n, rows), nil
	}
	at := make([]int, rows)
	for i := range at {
		at[i] = first + item + i*n
	}
	return take(mem, data, at)
}

// simple data are nothing but one buffer of values.
func simple(data arrow.ArrayData) bool {
	b := data.Buffers()
	return len(b) == 2 && (b[0] == nil || b[0].Len() == 0) && len(data.Children()) == 0 && data.Dictionary() == nil
}

// every is each step-th value of so many bytes, from first on.
func every(mem memory.Allocator, data arrow.ArrayData, width, first, step, n int) arrow.ArrayData {
	buf := newBuffer(mem, n*width)
	defer buf.Release()
	dst, src := buf.Bytes(), values(data)
	at := (data.Offset() + first) * width
	step *= width
	switch width {
	case 8:
		for i := range n {
			binary.NativeEndian.PutUint64(dst[8*i:], binary.NativeEndian.Uint64(src[at+i*step:]))
		}
	case 4:
		for i := range n {
			binary.NativeEndian.PutUint32(dst[4*i:], binary.NativeEndian.Uint32(src[at+i*step:]))
		}
	default:
		for i := range n {
			copy(dst[i*width:(i+1)*width], src[at+i*step:])
		}
	}
	return array.NewData(data.DataType(), n, []*memory.Buffer{nil, buf}, nil, 0, 0)
}

// take is the values at places; -1 gives null. Errors: fault.Unsupported for types without a copy,
// fault.Precondition for texts of over 2 GiB.
func take(mem memory.Allocator, data arrow.ArrayData, at []int) (arrow.ArrayData, error) {
	var rest []*memory.Buffer
	var children []arrow.ArrayData
	var err error
	switch t := data.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		rest, err = takeTexts(mem, data, at)
	case *arrow.BooleanType:
		rest = []*memory.Buffer{takeBits(mem, data, at)}
	case *arrow.StructType:
		children, err = takeMembers(mem, data, at)
	case arrow.FixedWidthDataType:
		if len(data.Buffers()) != 2 {
			return nil, unsupported("values of type %s in a frame's block", t)
		}
		rest = []*memory.Buffer{takeFixed(mem, data, t.Bytes(), at)}
	default:
		err = unsupported("values of type %s in a frame's block", t)
	}
	defer release(rest, children)
	if err != nil {
		return nil, err
	}
	valid := takeValid(mem, data, at)
	if valid != nil {
		defer valid.Release()
	}
	buffers := append([]*memory.Buffer{valid}, rest...)
	if d, ok := data.Dictionary().(*array.Data); ok && d != nil {
		return array.NewDataWithDictionary(data.DataType(), len(at), buffers, nulls(valid), 0, d), nil
	}
	return array.NewData(data.DataType(), len(at), buffers, children, nulls(valid), 0), nil
}

func release(buffers []*memory.Buffer, children []arrow.ArrayData) {
	for _, b := range buffers {
		b.Release()
	}
	for _, c := range children {
		c.Release()
	}
}

// takeValid is nil where nothing is null.
func takeValid(mem memory.Allocator, data arrow.ArrayData, at []int) *memory.Buffer {
	old := data.Buffers()[0]
	if old != nil && old.Len() == 0 {
		old = nil
	}
	var out *memory.Buffer
	for i, k := range at {
		if k >= 0 && (old == nil || bitutil.BitIsSet(old.Bytes(), data.Offset()+k)) {
			continue
		}
		if out == nil {
			out = newBuffer(mem, int(bitutil.BytesForBits(int64(len(at)))))
			bitutil.SetBitsTo(out.Bytes(), 0, int64(8*out.Len()), true)
		}
		bitutil.ClearBit(out.Bytes(), i)
	}
	return out
}

func takeFixed(mem memory.Allocator, data arrow.ArrayData, width int, at []int) *memory.Buffer {
	buf := newBuffer(mem, width*len(at))
	dst, src := buf.Bytes(), values(data)
	for i, k := range at {
		if k < 0 {
			clear(dst[i*width : (i+1)*width])
			continue
		}
		copy(dst[i*width:(i+1)*width], src[(data.Offset()+k)*width:])
	}
	return buf
}

func takeBits(mem memory.Allocator, data arrow.ArrayData, at []int) *memory.Buffer {
	buf := newBuffer(mem, int(bitutil.BytesForBits(int64(len(at)))))
	clear(buf.Bytes())
	src := values(data)
	for i, k := range at {
		if k >= 0 && bitutil.BitIsSet(src, data.Offset()+k) {
			bitutil.SetBit(buf.Bytes(), i)
		}
	}
	return buf
}

// takeTexts gives offsets and bytes.
func takeTexts(mem memory.Allocator, data arrow.ArrayData, at []int) ([]*memory.Buffer, error) {
	from, src := texts(data)
	total := 0
	for _, k := range at {
		if k >= 0 {
			total += int(from[k+1] - from[k])
		}
	}
	if total > math.MaxInt32 {
		return nil, fault.New(fault.Precondition, "a batch's texts take over 2 GiB: ask for a smaller batch_rows")
	}
	offsets, bytes := newBuffer(mem, 4*(len(at)+1)), newBuffer(mem, total)
	out := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	n := 0
	out[0] = 0
	for i, k := range at {
		if k >= 0 {
			n += copy(bytes.Bytes()[n:], src[from[k]:from[k+1]])
		}
		out[i+1] = int32(n)
	}
	return []*memory.Buffer{offsets, bytes}, nil
}

// texts are the offsets from the first value on, and the bytes, of strings or binaries.
func texts(data arrow.ArrayData) (from []int32, b []byte) {
	if data.Len() == 0 {
		return nil, nil
	}
	if data.Buffers()[2] != nil {
		b = data.Buffers()[2].Bytes()
	}
	return arrow.Int32Traits.CastFromBytes(values(data))[data.Offset():], b
}

// values is the buffer behind the validity, which arrays of no values may lack.
func values(data arrow.ArrayData) []byte {
	if b := data.Buffers()[1]; b != nil {
		return b.Bytes()
	}
	return nil
}

func takeMembers(mem memory.Allocator, data arrow.ArrayData, at []int) ([]arrow.ArrayData, error) {
	var out []arrow.ArrayData
	for _, c := range data.Children() {
		part := array.NewSliceData(c, int64(data.Offset()), int64(data.Offset()+data.Len()))
		m, err := take(mem, part, at)
		part.Release()
		if err != nil {
			return out, err
		}
		out = append(out, m)
	}
	return out, nil
}
