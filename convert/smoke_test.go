package convert

import (
	"encoding/binary"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	i4 := &h5type.Type{Class: h5type.Integer, Size: 4, Precision: 32, Signed: true, Order: h5type.BigEndian}
	typ := &h5type.Type{Class: h5type.Compound, Size: 12, Members: []h5type.Member{{Name: "a", Offset: 0, Type: i4},
		{Name: "s", Offset: 4, Type: &h5type.Type{Class: h5type.String, Size: 4, Pad: h5type.NullPad}},
		{Name: "v", Offset: 8, Type: &h5type.Type{Class: h5type.Array, Size: 4, Dims: []int{2}, Base: &h5type.Type{Class: h5type.Integer, Size: 2, Precision: 16}}}}}
	require.NoError(t, typ.Validate())
	p, err := Compile(Source{Type: typ, OffsetSize: 8}, nil, Options{})
	require.NoError(t, err)
	var data []byte
	for i := range 3 {
		data = binary.BigEndian.AppendUint32(data, uint32(-i))
		data = append(data, 'x', byte('0'+i), 0, 0, byte(i), 0, 7, 0)
	}
	b := p.NewBatch(mem, 3, nil, 0)
	require.NoError(t, b.Put(2, -1, Elems{Data: data, N: 3, Size: 12}, 0, 1, 3))
	r, err := b.Record()
	require.NoError(t, err)
	defer r.Release()
	require.Equal(t, "[-2 -1 0]", r.Column(0).String())
	require.Equal(t, `["x2" "x1" "x0"]`, r.Column(1).String())
	require.Equal(t, "[[2 7] [1 7] [0 7]]", r.Column(2).String())
}
