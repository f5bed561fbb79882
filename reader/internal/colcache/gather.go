package colcache

import (
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// makeArray is an array of data of the types that are kept.
func makeArray(d arrow.ArrayData) arrow.Array { return array.MakeFromData(d) }

// gatherer makes one array of rows of several of one type, which is one that Dataset.Keeps.
type gatherer struct{ mem memory.Allocator }

// gather is the values at some places, the caller's to release.
func (g gatherer) gather(from []arrow.ArrayData, at []place) arrow.ArrayData {
	t := from[0].DataType()
	valid, nulls := g.validity(from, at)
	buffers := []*memory.Buffer{valid}
	var children []arrow.ArrayData
	switch t := t.(type) {
	case *arrow.StringType, *arrow.BinaryType:
		offsets, bytes := g.texts(from, at)
		buffers = append(buffers, offsets, bytes)
	case *arrow.BooleanType:
		buffers = append(buffers, g.bits(from, at, 1))
	case *arrow.FixedSizeListType:
		children = []arrow.ArrayData{g.lists(from, at, int(t.Len()))}
	default:
		in, width := values(from)
		buffers = append(buffers, g.fixed(in, width, at))
	}
	out := array.NewData(t, len(at), buffers, children, nulls, 0)
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	for _, c := range children {
		c.Release()
	}
	return out
}

func (g gatherer) buffer(n int) *memory.Buffer {
	b := memory.NewResizableBuffer(g.mem)
	b.Resize(n)
	return b
}

// validity is the bits of what is not null, nil where nothing is.
func (g gatherer) validity(from []arrow.ArrayData, at []place) (bits *memory.Buffer, nulls int) {
	for _, d := range from {
		if d.NullN() == 0 || d.Buffers()[0] == nil {
			continue
		}
		bits = g.bits(from, at, 0)
		if nulls = len(at) - bitutil.CountSetBits(bits.Bytes(), 0, len(at)); nulls == 0 {
			bits.Release()
			bits = nil
		}
		return bits, nulls
	}
	return nil, 0
}

// bits are those of a buffer of each array, of which a missing one has all set.
func (g gatherer) bits(from []arrow.ArrayData, at []place, buffer int) *memory.Buffer {
	out := g.buffer(int(bitutil.BytesForBits(int64(len(at)))))
	b := out.Bytes()
	clear(b)
	for i, p := range at {
		d := from[p.array]
		if in := d.Buffers()[buffer]; in == nil || bitutil.BitIsSet(in.Bytes(), d.Offset()+int(p.row)) {
			bitutil.SetBit(b, i)
		}
	}
	return out
}

// values is the bytes of values of a fixed width of each array, from its first on.
func values(from []arrow.ArrayData) (in [][]byte, width int) {
	width = from[0].DataType().(arrow.FixedWidthDataType).Bytes()
	for _, d := range from {
		in = append(in, d.Buffers()[1].Bytes()[d.Offset()*width:])
	}
	return in, width
}

// fixed is pieces of width bytes.
func (g gatherer) fixed(in [][]byte, width int, at []place) *memory.Buffer {
	out := g.buffer(len(at) * width)
	switch b := out.Bytes(); width {
	case 1:
		gatherWords[uint8](b, in, at)
	case 2:
		gatherWords[uint16](b, in, at)
	case 4:
		gatherWords[uint32](b, in, at)
	case 8:
		gatherWords[uint64](b, in, at)
	default:
		for i, p := range at {
			copy(b[i*width:(i+1)*width], in[p.array][int(p.row)*width:])
		}
	}
	return out
}

// gatherWords does it for values of a word's width, which Arrow's buffers have at multiples of it.
func gatherWords[W uint8 | uint16 | uint32 | uint64](out []byte, in [][]byte, at []place) {
	to, from := words[W](out), make([][]W, len(in))
	for i, b := range in {
		from[i] = words[W](b)
	}
	for i, p := range at {
		to[i] = from[p.array][p.row]
	}
}

func words[W uint8 | uint16 | uint32 | uint64](b []byte) []W {
	return unsafe.Slice((*W)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(W(0))))
}

// text is the offsets and bytes of an array of texts.
type text struct {
	offsets []int32
	bytes   []byte
}

func (g gatherer) texts(from []arrow.ArrayData, at []place) (offsets, bytes *memory.Buffer) {
	in := make([]text, len(from))
	for i, d := range from {
		in[i].offsets = arrow.Int32Traits.CastFromBytes(d.Buffers()[1].Bytes())[d.Offset():]
		if d.Buffers()[2] != nil {
			in[i].bytes = d.Buffers()[2].Bytes()
		}
	}
	offsets = g.buffer(4 * (len(at) + 1))
	ends, end := arrow.Int32Traits.CastFromBytes(offsets.Bytes()), int32(0)
	ends[0] = 0
	for i, p := range at {
		end += in[p.array].offsets[p.row+1] - in[p.array].offsets[p.row]
		ends[i+1] = end
	}
	bytes = g.buffer(int(end))
	for b, i := bytes.Bytes(), 0; i < len(at); i++ {
		t, row := in[at[i].array], at[i].row
		copy(b[ends[i]:ends[i+1]], t.bytes[t.offsets[row]:t.offsets[row+1]])
	}
	return offsets, bytes
}

// lists is the elements of lists of n each.
func (g gatherer) lists(from []arrow.ArrayData, at []place, n int) arrow.ArrayData {
	children, nulls := make([]arrow.ArrayData, len(from)), 0
	for i, d := range from {
		children[i] = array.NewSliceData(d.Children()[0], int64(d.Offset()*n), int64((d.Offset()+d.Len())*n))
		defer children[i].Release()
		nulls += children[i].NullN()
	}
	t := children[0].DataType()
	if nulls == 0 {
		in, width := values(children)
		bytes := g.fixed(in, n*width, at)
		defer bytes.Release()
		return array.NewData(t, len(at)*n, []*memory.Buffer{nil, bytes}, nil, 0, 0)
	}
	each := make([]place, 0, len(at)*n)
	for _, p := range at {
		for k := range int32(n) {
			each = append(each, place{p.array, p.row*int32(n) + k})
		}
	}
	return g.gather(children, each)
}
