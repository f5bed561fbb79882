package attrs

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/cputime"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// heap is a global heap of one collection, at 64, and one object with a name, at 96.
type heap struct {
	objects [][]byte
	fails   error
}

func (h heap) Object(addr uint64, index uint32) ([]byte, error) {
	if h.fails != nil || addr == 0 || index == 0 {
		return nil, h.fails
	}
	if addr != 64 || int(index) > len(h.objects) {
		return nil, fault.New(fault.DataLoss, "no such object")
	}
	return h.objects[index-1], nil
}

func (h heap) Name(addr uint64) (string, error) {
	if addr != 96 {
		return "", h.fails
	}
	return "/a \"b\"", nil
}

// at points at count elements in an object of the heap.
func at(count, index uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, count)
	b = binary.LittleEndian.AppendUint64(b, 64)
	return binary.LittleEndian.AppendUint32(b, index)
}

func join(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func integer(size int, order h5type.Order, signed bool) *h5type.Type {
	return &h5type.Type{Class: h5type.Integer, Size: size, Order: order, Signed: signed, Precision: 8 * size}
}

func sequence(base *h5type.Type) *h5type.Type {
	return &h5type.Type{Class: h5type.VarLen, Size: 16, Base: base}
}

func compound(members ...h5type.Member) *h5type.Type {
	t := &h5type.Type{Class: h5type.Compound, Members: members}
	for i := range members {
		members[i].Offset = t.Size
		t.Size += members[i].Type.Size
	}
	return t
}

var (
	i8       = integer(1, h5type.LittleEndian, true)
	u16be    = integer(2, h5type.BigEndian, false)
	f32      = &h5type.Type{Class: h5type.Float, Size: 4, Precision: 32, SignBit: 31, ExpPos: 23, ExpSize: 8, MantSize: 23, ExpBias: 127, MantNorm: 2}
	text     = &h5type.Type{Class: h5type.VarLen, Size: 16, VarString: true, UTF8: true, Base: i8}
	object   = &h5type.Type{Class: h5type.Reference, Size: 8, RefKind: h5type.RefObject}
	region   = &h5type.Type{Class: h5type.Reference, Size: 12, RefKind: h5type.RefRegion}
	truth    = &h5type.Type{Class: h5type.Enum, Size: 1, Base: i8, Values: []h5type.EnumValue{{Name: "FALSE", Raw: []byte{0}}, {Name: "TRUE", Raw: []byte{1}}}}
	pair     = compound(h5type.Member{Name: "n", Type: u16be}, h5type.Member{Name: "t", Type: text})
	fixed    = &h5type.Type{Class: h5type.String, Size: 4, Pad: h5type.NullPad}
	blob     = &h5type.Type{Class: h5type.Opaque, Size: 2}
	imag     = &h5type.Type{Class: h5type.Complex, Size: 8, Base: f32}
	odd      = &h5type.Type{Class: h5type.Integer, Size: 4, Order: h5type.BigEndian, Signed: true, Precision: 11, BitOffset: 5}
	bits     = &h5type.Type{Class: h5type.Bitfield, Size: 2, Order: h5type.BigEndian, Precision: 16}
	wide     = integer(16, h5type.LittleEndian, false)
	square   = &h5type.Type{Class: h5type.Array, Size: 4, Dims: []int{2, 2}, Base: i8}
	squares  = &h5type.Type{Class: h5type.Array, Size: 8, Dims: []int{2}, Base: square}
	modern   = &h5type.Type{Class: h5type.Reference, Size: 18, RefKind: h5type.RefAttr}
	pointing = heap{objects: [][]byte{[]byte("gr\xc3\xbc\xc3\x9fe\x00x"), {1, 2, 0xff}, {}, join([]byte{0, 7}, at(7, 1), []byte{1, 0}, at(0, 0)), at(2, 2), []byte("caf\xe9")}}
)

func TestJSON(t *testing.T) {
	for name, tt := range map[string]struct {
		t    *h5type.Type
		dims []uint64
		data []byte
		want string
	}{
		"scalar":                       {i8, nil, []byte{0xff}, `-1`},
		"big-endian":                   {u16be, []uint64{2}, []byte{1, 2, 0xff, 0xff}, `[258,65535]`},
		"largest":                      {integer(8, h5type.LittleEndian, false), nil, []byte("\xff\xff\xff\xff\xff\xff\xff\xff"), `18446744073709551615`},
		"smallest":                     {integer(8, h5type.BigEndian, true), nil, []byte("\x80\x00\x00\x00\x00\x00\x00\x00"), `-9223372036854775808`},
		"odd precision":                {odd, []uint64{2}, []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x60}, `[-1,3]`},
		"bits":                         {bits, nil, []byte{0x80, 1}, `32769`},
		"too wide":                     {wide, nil, make([]byte, 16), `{"base64":"AAAAAAAAAAAAAAAAAAAAAA=="}`},
		"floats":                       {f32, []uint64{4}, []byte("\x00\x00\xc0\x7f\x00\x00\x80\x7f\x00\x00\x80\xff\xcd\xcc\xcc\x3d"), `["NaN","Infinity","-Infinity",0.1]`},
		"complex":                      {imag, nil, []byte("\x00\x00\x80\x3f\x00\x00\x00\xc0"), `{"r":1,"i":-2}`},
		"truth":                        {truth, []uint64{3}, []byte{0, 1, 2}, `[false,true,true]`},
		"fixed strings":                {fixed, []uint64{2}, []byte("a\"\x00\x00\x01bcd"), `["a\"","\u0001bcd"]`},
		"no UTF-8":                     {fixed, nil, []byte("caf\xe9"), `{"base64":"Y2Fm6Q=="}`},
		"opaque":                       {blob, nil, []byte{1, 2}, `{"base64":"AQI="}`},
		"references":                   {object, []uint64{3}, join([]byte{96}, make([]byte, 7), make([]byte, 8), []byte("\xff\xff\xff\xff\xff\xff\xff\xff")), `[{"ref":"/a \"b\""},null,null]`},
		"reference to nothing":         {object, nil, join([]byte{97}, make([]byte, 7)), `null`},
		"region":                       {region, nil, make([]byte, 12), `{"base64":"AAAAAAAAAAAAAAAA"}`},
		"array":                        {square, nil, []byte{1, 2, 3, 4}, `[[1,2],[3,4]]`},
		"arrays of arrays":             {squares, []uint64{1}, []byte{1, 2, 3, 4, 5, 6, 7, 8}, `[[[[1,2],[3,4]],[[5,6],[7,8]]]]`},
		"texts":                        {text, []uint64{4}, join(at(8, 1), at(0, 0), at(0, 3), at(4, 6)), `["grüße","","",{"base64":"Y2Fm6Q=="}]`},
		"text shorter than its object": {text, nil, at(2, 1), `"gr"`},
		"sequence":                     {sequence(i8), []uint64{2}, join(at(3, 2), at(0, 0)), `[[1,2,-1],[]]`},
		"sequence of compounds":        {sequence(pair), nil, at(2, 4), `[{"n":7,"t":"grüße"},{"n":256,"t":""}]`},
		"sequence of sequences":        {sequence(sequence(i8)), nil, at(1, 5), `[[1,2]]`},
		"nothing":                      {i8, []uint64{0}, nil, `[]`},
		"no rows":                      {i8, []uint64{2, 0}, nil, `[[],[]]`},
		"no rows of rows":              {i8, []uint64{2, 0, 1 << 60}, nil, `[[],[]]`},
		"no rows, overflowing":         {i8, []uint64{0, 1 << 60, 1 << 60}, nil, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, tt.t.Validate())
			v := Value{Type: tt.t, Space: h5file.Space{Dims: tt.dims}, Data: tt.data, Size: uint64(len(tt.data)), OffsetSize: 8}
			got, err := JSON(v, pointing, 1000)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(got))
			require.True(t, json.Valid(got))

			v.Space = h5file.Space{Kind: h5file.Null}
			got, err = JSON(v, pointing, 0)
			require.NoError(t, err)
			require.Equal(t, "null", string(got))
		})
	}
}

// TestWrongValues: what is damaged is said to be, not guessed.
func TestWrongValues(t *testing.T) {
	for name, tt := range map[string]struct {
		t    *h5type.Type
		dims []uint64
		data []byte
		kind error
	}{
		"cut off":                    {i8, []uint64{3}, []byte{1, 2}, fault.DataLoss},
		"beyond 64 bits":             {i8, []uint64{1 << 62, 8}, []byte{1}, fault.DataLoss},
		"terabytes":                  {i8, []uint64{1 << 62}, []byte{1}, fault.DataLoss},
		"no such object":             {text, nil, at(1, 99), fault.DataLoss},
		"sequence beyond its object": {sequence(u16be), nil, at(2, 2), fault.DataLoss},
		"element too small":          {&h5type.Type{Class: h5type.VarLen, Size: 1, VarString: true, Base: i8}, nil, []byte{1}, fault.DataLoss},
		"element of 12 bytes":        {&h5type.Type{Class: h5type.VarLen, Size: 12, Base: i8}, nil, make([]byte, 12), fault.DataLoss},
		"reference of a later kind":  {modern, nil, join([]byte{4}, make([]byte, 17)), fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, tt.t.Validate())
			v := Value{Type: tt.t, Space: h5file.Space{Dims: tt.dims}, Data: tt.data, Size: uint64(len(tt.data)), OffsetSize: 8}
			got, err := JSON(v, pointing, 1000)
			require.Nil(t, got)
			require.Equal(t, tt.kind, fault.Of(err), "%v", err)
		})
	}
}

// TestReadErrors: what cannot be read is neither null nor empty.
func TestReadErrors(t *testing.T) {
	fails := heap{fails: fault.New(fault.DataLoss, "the disk is gone")}
	for _, v := range []Value{
		{Type: text, Data: at(0, 3)}, {Type: sequence(i8), Data: at(1, 1)}, {Type: object, Data: join([]byte{97}, make([]byte, 7))},
	} {
		v.Size, v.OffsetSize = uint64(len(v.Data)), 8
		_, err := JSON(v, fails, 1000)
		require.ErrorIs(t, err, fails.fails)
	}
}

func TestTooLarge(t *testing.T) {
	for name, v := range map[string]Value{
		"elements":         {Type: i8, Space: h5file.Space{Dims: []uint64{101}}, Data: make([]byte, 50), Size: 101},
		"texts":            {Type: text, Space: h5file.Space{Dims: []uint64{2}}, Data: join(at(50, 1), at(51, 1)), Size: 32},
		"empty rows":       {Type: i8, Space: h5file.Space{Dims: []uint64{1 << 62, 0}}},
		"nested sequences": {Type: sequence(sequence(i8)), Data: at(100, 1), Size: 16},
	} {
		t.Run(name, func(t *testing.T) {
			v.OffsetSize = 8
			many := heap{objects: [][]byte{join(at(3, 2), make([]byte, 16*99)), {1, 2, 3}}}
			got, err := JSON(v, many, 100)
			var large *TooLarge
			require.ErrorAs(t, err, &large)
			require.Greater(t, large.Bytes, uint64(100))
			require.Nil(t, got)
		})
	}
}

// bounded calls f and tells bytes allocated; it fails if it takes long.
func bounded(t *testing.T, f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stop := cputime.Below(t, time.Minute)
	f()
	stop()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAmplification: values that are small but whose JSON would not be, or that visit the same again and again.
func TestAmplification(t *testing.T) {
	long := compound(h5type.Member{Name: strings.Repeat("\x01", 60_000), Type: i8})
	inner := sequence(compound(h5type.Member{Name: "t", Type: text}))
	outer := sequence(inner)
	same := heap{objects: [][]byte{nil, nil, make([]byte, 16<<20)}}
	for range 1000 {
		same.objects[0] = append(same.objects[0], at(1000, 2)...)
		same.objects[1] = append(same.objects[1], at(16<<20, 3)...)
	}
	for name, v := range map[string]Value{
		"names of members": {Type: long, Space: h5file.Space{Dims: []uint64{10_000}}, Data: make([]byte, 10_000)},
		"the same object":  {Type: outer, Data: at(1000, 1)},
		"opaque bytes":     {Type: &h5type.Type{Class: h5type.Opaque, Size: 1}, Space: h5file.Space{Dims: []uint64{16_000}}, Data: make([]byte, 16_000)},
		"empty rows":       {Type: i8, Space: h5file.Space{Dims: []uint64{1 << 60, 1 << 60, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			v.Size, v.OffsetSize = uint64(len(v.Data)), 8
			allocated := bounded(t, func() {
				_, err := JSON(v, same, 16<<10)
				var large *TooLarge
				require.True(t, err == nil || errors.As(err, &large), "%v", err)
			})
			require.Less(t, allocated, uint64(16<<20))
		})
	}
}

// TestTextIsBounded: a name of 60 KB in each of 16,384 elements of a byte would be a gigabyte of text.
func TestTextIsBounded(t *testing.T) {
	i1 := &h5type.Type{Class: h5type.Integer, Size: 1, Precision: 8}
	named := &h5type.Type{Class: h5type.Compound, Size: 1, Members: []h5type.Member{{Name: strings.Repeat("n", 60_000), Type: i1}}}
	v := Value{Type: named, Space: h5file.Space{Kind: h5file.Simple, Dims: []uint64{16 << 10}}, Data: make([]byte, 16<<10), Size: 16 << 10, OffsetSize: 8}
	_, err := JSON(v, nil, 16<<10)
	var large *TooLarge
	require.ErrorAs(t, err, &large)
	require.Less(t, large.Bytes, uint64(MaxText*16<<10+MoreText+100_000))
	v.Space.Dims[0] = 2
	text, err := JSON(v, nil, 16<<10)
	require.NoError(t, err)
	require.Greater(t, len(text), 120_000)
}
