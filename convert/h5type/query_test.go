package h5type

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func bools(base *Type, values ...EnumValue) *Type {
	return &Type{Class: Enum, Size: base.Size, Base: base, Values: values}
}

func TestIsBoolEnum(t *testing.T) {
	i8 := &Type{Class: Integer, Size: 1, Precision: 8, Signed: true}
	u16 := &Type{Class: Integer, Size: 2, Precision: 16, Order: BigEndian}
	value := func(name string, raw ...byte) EnumValue { return EnumValue{name, raw} }
	tests := []struct {
		name string
		typ  *Type
		want bool
	}{
		{"h5py's", bools(i8, value("FALSE", 0), value("TRUE", 1)), true},
		{"other order", bools(i8, value("TRUE", 1), value("FALSE", 0)), true},
		{"big-endian", bools(u16, value("FALSE", 0, 0), value("TRUE", 0, 1)), true},
		{"further name of a value", bools(i8, value("FALSE", 0), value("TRUE", 1), value("YES", 1)), true},
		{"other name first", bools(i8, value("NO", 0), value("FALSE", 0), value("TRUE", 1)), false},
		{"third value", bools(i8, value("FALSE", 0), value("TRUE", 1), value("MAYBE", 2)), false},
		{"other values", bools(i8, value("FALSE", 1), value("TRUE", 0)), false},
		{"byte-swapped 1", bools(u16, value("FALSE", 0, 0), value("TRUE", 1, 0)), false},
		{"lower case", bools(i8, value("false", 0), value("true", 1)), false},
		{"only one", bools(i8, value("FALSE", 0)), false},
		{"no enumeration", i8, false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, tt.typ.IsBoolEnum(), tt.name)
	}
}

func TestEnumInt(t *testing.T) {
	tests := []struct {
		base Type
		raw  []byte
		want int64
	}{
		{Type{Size: 1, Precision: 8, Signed: true}, []byte{0xff}, -1},
		{Type{Size: 1, Precision: 8}, []byte{0xff}, 255},
		{Type{Size: 2, Precision: 16, Signed: true, Order: BigEndian}, []byte{0xfe, 0x0c}, -500},
		{Type{Size: 4, Precision: 12, BitOffset: 3, Signed: true}, []byte{0xf8, 0x7f, 0xff, 0xff}, -1},
		{Type{Size: 4, Precision: 12, BitOffset: 3}, []byte{0x0f, 0xff, 0xff, 0xff}, 0xfe1},
		{Type{Size: 8, Precision: 64}, []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, -1 << 63},
		{Type{Size: 8, Precision: 64, Signed: true, Order: BigEndian}, []byte{0xff, 0, 0, 0, 0, 0, 0, 1}, -1<<56 + 1},
		{Type{Size: 9, Precision: 72}, []byte{1, 2, 0, 0, 0, 0, 0, 0, 7}, 513},
	}
	for _, tt := range tests {
		tt.base.Class = Integer
		require.Equal(t, tt.want, bools(&tt.base, EnumValue{"x", tt.raw}).EnumInt(0))
	}
}

func TestIsComplexPair(t *testing.T) {
	f32 := &Type{Class: Float, Size: 4, Precision: 32}
	f32be := &Type{Class: Float, Size: 4, Precision: 32, Order: BigEndian}
	i32 := &Type{Class: Integer, Size: 4, Precision: 32}
	pair := func(re string, a *Type, im string, b *Type) *Type {
		return &Type{Class: Compound, Size: 8, Members: []Member{{re, 0, a}, {im, 4, b}}}
	}
	require.True(t, pair("r", f32, "i", f32).IsComplexPair())
	require.True(t, pair("real", f32, "imag", &Type{Class: Float, Size: 4, Precision: 32}).IsComplexPair())
	require.False(t, pair("r", f32, "imag", f32).IsComplexPair())
	require.False(t, pair("i", f32, "r", f32).IsComplexPair())
	require.False(t, pair("r", f32, "i", f32be).IsComplexPair())
	require.False(t, pair("r", i32, "i", i32).IsComplexPair())
	require.False(t, f32.IsComplexPair())
	three := pair("r", f32, "i", f32)
	three.Members = append(three.Members, Member{"x", 8, f32})
	require.False(t, three.IsComplexPair())
}

func TestHasVarLen(t *testing.T) {
	i32 := &Type{Class: Integer, Size: 4, Precision: 32}
	vlen := &Type{Class: VarLen, Size: 16, Base: i32}
	array := &Type{Class: Array, Size: 32, Dims: []int{2}, Base: vlen}
	require.False(t, i32.HasVarLen())
	require.True(t, vlen.HasVarLen())
	require.True(t, array.HasVarLen())
	require.True(t, (&Type{Class: Compound, Members: []Member{{"a", 0, i32}, {"b", 4, array}}}).HasVarLen())
	require.False(t, (&Type{Class: Compound, Members: []Member{{"a", 0, i32}}}).HasVarLen())
	require.False(t, (&Type{Class: Reference, RefKind: RefObject}).HasVarLen())
	require.True(t, (&Type{Class: Reference, RefKind: RefRegion}).HasVarLen())
}

func TestEqual(t *testing.T) {
	all := samples(t)
	for i, a := range all {
		ta, err := Parse(a.msg)
		require.NoError(t, err)
		for _, b := range all[i:] {
			tb, err := Parse(b.msg)
			require.NoError(t, err)
			require.Equal(t, a.text == b.text, ta.Equal(tb), "%s and %s", a.text, b.text)
		}
	}
	require.False(t, (*Type)(nil).Equal(&Type{}))
}

// TestValidateRejects covers what Parse cannot build.
func TestValidateRejects(t *testing.T) {
	i32 := &Type{Class: Integer, Size: 4, Precision: 32}
	loop := &Type{Class: VarLen, Size: 16}
	loop.Base = loop
	for name, typ := range map[string]*Type{
		"none":            nil,
		"no size":         {Class: String},
		"no base":         {Class: VarLen, Size: 16},
		"no member type":  {Class: Compound, Size: 4, Members: []Member{{"a", 0, nil}}},
		"negative offset": {Class: Compound, Size: 4, Members: []Member{{"a", -1, i32}}},
		"short value":     {Class: Enum, Size: 4, Base: i32, Values: []EnumValue{{"a", []byte{1}}}},
		"loop":            loop,
		"class":           {Class: 12, Size: 1},
	} {
		require.Error(t, typ.Validate(), name)
	}
	require.NoError(t, i32.Validate())
}
