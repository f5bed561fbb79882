package convert

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/stretchr/testify/require"
)

func unsignedOf(size int) *h5type.Type {
	t := intOf(size, h5type.LittleEndian)
	t.Signed = false
	return t
}

func bytesOf(v any) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, v)
	return b
}

func TestMissing(t *testing.T) {
	big := intOf(2, h5type.BigEndian)
	nan := math.NaN()
	for name, c := range map[string]struct {
		typ     *h5type.Type
		inner   []int
		data    []byte
		missing []any
		options Options
		want    string
	}{
		"int":             {intOf(2, 0), nil, bytesOf([]int16{1, -9, 3, -9}), []any{int64(-9)}, Options{}, "[1 (null) 3 (null)]"},
		"two values":      {intOf(8, 0), nil, bytesOf([]int64{math.MinInt64, math.MaxInt64, 0}), []any{int64(math.MinInt64), int64(math.MaxInt64)}, Options{}, "[(null) (null) 0]"},
		"unsigned":        {unsignedOf(8), nil, bytesOf([]uint64{math.MaxUint64 - 1, 2}), []any{uint64(math.MaxUint64 - 1)}, Options{}, "[(null) 2]"},
		"not of the type": {unsignedOf(1), nil, []byte{255, 0}, []any{int64(-1), int64(256), 0.5, nan, uint64(math.MaxUint64)}, Options{}, "[255 0]"},
		"whole float":     {intOf(4, 0), nil, bytesOf([]int32{-999, 0}), []any{-999.0}, Options{}, "[(null) 0]"},
		"big-endian":      {big, nil, []byte{0, 5, 5, 0}, []any{int64(5)}, Options{}, "[(null) 1280]"},
		"float":           {floatOf(4, 0), nil, bytesOf([]float32{9.96921e36, 1, float32(nan)}), []any{9.96921e36}, Options{}, "[(null) 1 NaN]"},
		"not a number":    {floatOf(8, 0), nil, bytesOf([]float64{nan, 1, -999}), []any{nan, int64(-999)}, Options{}, "[(null) 1 (null)]"},
		"half":            {floatOf(2, 0), nil, []byte{0, 0x3c, 0, 0xfc}, []any{math.Inf(-1)}, Options{}, "[1 (null)]"},
		"half as float":   {floatOf(2, 0), nil, []byte{0, 0x3c, 0, 0xfc}, []any{math.Inf(-1)}, Options{Plain: true}, "[1 (null)]"},
		"inner axes":      {intOf(1, 0), []int{2}, []byte{1, 7, 7, 4}, []any{int64(7)}, Options{}, "[[1 (null)] [(null) 4]]"},
		"lists":           {intOf(1, 0), []int{2}, []byte{1, 7, 7, 4}, []any{int64(7)}, Options{Plain: true}, "[[1 (null)] [(null) 4]]"},
		"none there":      {intOf(1, 0), nil, []byte{1, 2}, []any{int64(7)}, Options{}, "[1 2]"},
		"none named":      {intOf(1, 0), nil, []byte{1, 2}, nil, Options{}, "[1 2]"},
		"a table":         {recordOf(intOf(1, 0)), nil, []byte{1, 2}, []any{int64(1)}, Options{}, "[1 2]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Source{Name: "x", Type: c.typ, Inner: c.inner, Missing: c.missing, Attributes: `{"units":"K"}`}
			for _, asked := range []bool{true, false} {
				mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer mem.AssertSize(t, 0)
				c.options.NetCDF = asked
				p, err := Compile(s, nil, c.options)
				require.NoError(t, err)
				n := len(c.data) / c.typ.Size
				b := p.NewBatch(mem, n/p.ElemsPerRow(), nil, 0)
				require.NoError(t, b.Put(0, 1, Elems{Data: c.data, N: n, Size: c.typ.Size}, 0, 1, n))
				rec, err := b.Record()
				require.NoError(t, err)
				defer rec.Release()
				told, _ := rec.Schema().Field(0).Metadata.GetValue("hdf5.attributes")
				if asked && name != "a table" {
					require.JSONEq(t, s.Attributes, told)
				} else {
					require.Empty(t, told)
				}
				if asked {
					require.Equal(t, c.want, rec.Column(0).String())
				} else {
					require.NotContains(t, rec.Column(0).String(), "null")
				}
			}
		})
	}
}
