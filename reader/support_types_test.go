package reader

import (
	"encoding/binary"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
)

// sample stands for a class of HDF5 types in docs/support.md.
type sample struct {
	what   string
	source convert.Source
	note   string // what the Arrow type does not say
}

func (s sample) more() []string {
	if s.note == "" {
		return nil
	}
	return []string{s.note}
}

func of(t *h5type.Type) convert.Source {
	return convert.Source{Name: "x", Type: t, OffsetSize: 8}
}

// by is of a file that PyTables wrote.
func by(class, pseudo string, t *h5type.Type) convert.Source {
	return convert.Source{Name: "x", Type: t, Class: class, Wrote: true, Pseudo: pseudo, OffsetSize: 8}
}

func bits(class h5type.Class, size int, signed bool) *h5type.Type {
	return &h5type.Type{Class: class, Size: size, Precision: 8 * size, Signed: signed}
}

func ieee(size, exponent int, order h5type.Order) *h5type.Type {
	n := 8 * size
	return &h5type.Type{Class: h5type.Float, Size: size, Order: order, Precision: n, SignBit: n - 1, ExpPos: n - 1 - exponent,
		ExpSize: exponent, ExpBias: 1<<(exponent-1) - 1, MantSize: n - 1 - exponent, MantNorm: 2}
}

func str(pad h5type.Pad) *h5type.Type {
	return &h5type.Type{Class: h5type.String, Size: 8, Pad: pad}
}

func pairOf(re, im string, t *h5type.Type) *h5type.Type {
	return &h5type.Type{Class: h5type.Compound, Size: 2 * t.Size, Members: []h5type.Member{{Name: re, Type: t}, {Name: im, Offset: t.Size, Type: t}}}
}

func enumOf(names ...string) *h5type.Type {
	t := &h5type.Type{Class: h5type.Enum, Size: 2, Base: bits(h5type.Integer, 2, true)}
	for i, n := range names {
		t.Values = append(t.Values, h5type.EnumValue{Name: n, Raw: binary.LittleEndian.AppendUint16(nil, uint16(i))})
	}
	return t
}

func arrayOf(t *h5type.Type, dims ...int) *h5type.Type {
	size := t.Size
	for _, d := range dims {
		size *= d
	}
	return &h5type.Type{Class: h5type.Array, Size: size, Dims: dims, Base: t}
}

func varLen(t *h5type.Type) *h5type.Type {
	return &h5type.Type{Class: h5type.VarLen, Size: 16, Base: t}
}

func varString() *h5type.Type {
	t := varLen(bits(h5type.Integer, 1, false))
	t.VarString = true
	return t
}

func opaque(tag string) *h5type.Type { return &h5type.Type{Class: h5type.Opaque, Size: 8, Tag: tag} }

func reference(kind h5type.RefKind, size int) *h5type.Type {
	return &h5type.Type{Class: h5type.Reference, Size: size, RefKind: kind}
}

func table(t *h5type.Type) *h5type.Type {
	return &h5type.Type{Class: h5type.Compound, Size: t.Size, Members: []h5type.Member{{Name: "x", Type: t}}}
}

var (
	i1, i2, i4, i8 = bits(h5type.Integer, 1, true), bits(h5type.Integer, 2, true), bits(h5type.Integer, 4, true), bits(h5type.Integer, 8, true)
	u1, u4, u8     = bits(h5type.Integer, 1, false), bits(h5type.Integer, 4, false), bits(h5type.Integer, 8, false)
	i3             = bits(h5type.Integer, 3, true)
	f2, f4, f8     = ieee(2, 5, h5type.LittleEndian), ieee(4, 8, h5type.LittleEndian), ieee(8, 11, h5type.LittleEndian)
	bigFloat       = ieee(8, 11, h5type.BigEndian)
	brain          = ieee(2, 8, h5type.LittleEndian)
	quad           = ieee(16, 15, h5type.LittleEndian)
	extended       = &h5type.Type{Class: h5type.Float, Size: 16, Precision: 80, SignBit: 79, ExpPos: 64, ExpSize: 15, ExpBias: 16383, MantSize: 64}
	h5complex      = &h5type.Type{Class: h5type.Complex, Size: 8, Base: f4}
	point          = pairOf("x", "y", f4)
)

// supported has every class of types, served or not.
var supported = []sample{
	{"integer of 1 byte", of(i1), ""},
	{"integer of 2 bytes", of(i2), "either byte order"},
	{"integer of 3 bytes, precision or offset of its own", of(i3), "to the next width, extended by its sign; so for 5 to 7 bytes"},
	{"integer of 4 bytes", of(i4), ""},
	{"integer of 8 bytes", of(i8), ""},
	{"unsigned integer of 1 byte", of(u1), ""},
	{"unsigned integer of 8 bytes", of(u8), ""},
	{"integer over 8 bytes", of(bits(h5type.Integer, 16, true)), ""},
	{"float of 16 bits", of(f2), ""},
	{"float of 32 bits", of(f4), ""},
	{"float of 64 bits", of(f8), ""},
	{"float of 64 bits, big-endian", of(bigFloat), ""},
	{"bfloat16 and other small floats", of(brain), "exact"},
	{"float of 80 bits (long double)", of(extended), "rounded"},
	{"float of 128 bits", of(quad), "rounded"},
	{"bitfield of 1 byte", of(bits(h5type.Bitfield, 1, false)), ""},
	{"bitfield of 1 byte that PyTables wrote", by("EARRAY", "", bits(h5type.Bitfield, 1, false)), "any bit set is true"},
	{"bitfield of 2 to 8 bytes", of(bits(h5type.Bitfield, 4, false)), "to the next width"},
	{"enumeration", of(enumOf("red", "green")), "a value without a name is null; of equal values the first name counts"},
	{"enumeration FALSE, TRUE (h5py's bool)", of(enumOf("FALSE", "TRUE")), ""},
	{"time of 32 bits (PyTables Time32Col)", of(bits(h5type.Time, 4, false)), ""},
	{"time of 64 bits (PyTables Time64Col)", of(bits(h5type.Time, 8, false)), "seconds and microseconds, as PyTables packs them"},
	{"fixed string, ended by NUL", of(str(h5type.NullTerm)), "cut at the first NUL; what is not UTF-8 fails the request, naming row and column"},
	{"fixed string that PyTables wrote (StringCol, StringAtom)", by("CARRAY", "", str(h5type.NullTerm)), "NumPy's: NULs at the end are stripped, others kept, where the root group has PYTABLES_FORMAT_VERSION"},
	{"fixed string, padded with NULs", of(str(h5type.NullPad)), "stripped"},
	{"fixed string, padded with spaces", of(str(h5type.SpacePad)), "stripped, of NULs too: what was never written is empty"},
	{"variable-length string", of(varString()), "null is empty"},
	{"opaque", of(opaque("anything")), ""},
	{"opaque `NUMPY:<M8[ns]` (h5py's datetime64)", of(opaque("NUMPY:<M8[ns]")), "units s, ms, us, ns; NaT is null"},
	{"opaque `NUMPY:<m8[us]` (h5py's timedelta64)", of(opaque("NUMPY:<m8[us]")), "units s, ms, us, ns; NaT is null"},
	{"compound", of(pairOf("a", "b", i4)), "a column a member"},
	{"compound inside a compound", of(table(point)), ""},
	{"complex, as h5py and PyTables store it", of(pairOf("r", "i", f8)), "or members real, imag"},
	{"complex of HDF5 2", of(h5complex), ""},
	{"array of one axis", of(arrayOf(f4, 3)), "the same for the second axis of a dataset"},
	{"array of more axes", of(arrayOf(f4, 2, 3)), "the same for the inner axes of a dataset"},
	{"variable-length sequence (VLArray)", of(varLen(i4)), "nested sequences too"},
	{"VLArray of VLStringAtom", by("VLARRAY", "vlstring", varLen(u1)), ""},
	{"VLArray of VLUnicodeAtom", by("VLARRAY", "vlunicode", varLen(u4)), ""},
	{"VLArray of ObjectAtom", by("VLARRAY", "object", varLen(u1)), "the pickle, which is never executed"},
	{"object reference", of(reference(h5type.RefObject, 8)), "the path of the object; null reference: null"},
	{"region reference", of(reference(h5type.RefRegion, 12)), "its bytes"},
	{"reference of HDF5 1.12 (H5T_STD_REF)", of(reference(h5type.RefObject2, 18)), "the path of the object; one to a region, to an attribute or into another file ends the request"},
}
