package h5type

import "reflect"

// Equal reports whether both are the same type, names and layout included. Either may be nil.
func (t *Type) Equal(o *Type) bool { return reflect.DeepEqual(t, o) }

// IsComplexPair reports whether t is how h5py and PyTables store complex numbers: a compound of exactly two equal
// floats named r and i, or real and imag.
func (t *Type) IsComplexPair() bool {
	if t.Class != Compound || len(t.Members) != 2 {
		return false
	}
	re, im := t.Members[0], t.Members[1]
	named := re.Name == "r" && im.Name == "i" || re.Name == "real" && im.Name == "imag"
	return named && re.Type.Class == Float && re.Type.Equal(im.Type)
}

// IsBoolEnum reports whether t is how h5py stores truth values: an enumeration of any integer whose names are
// FALSE, 0, and TRUE, 1. A further name of a value that has one already does not count.
func (t *Type) IsBoolEnum() bool {
	if t.Class != Enum || t.Base.Class != Integer {
		return false
	}
	named := map[int64]bool{}
	names := map[string]int64{}
	for i := range t.Values {
		if v := t.EnumInt(i); !named[v] {
			named[v] = true
			names[t.Values[i].Name] = v
		}
	}
	zero, hasFalse := names["FALSE"]
	one, hasTrue := names["TRUE"]
	return len(names) == 2 && hasFalse && hasTrue && zero == 0 && one == 1
}

// EnumInt is the i-th value of an enumeration, extended by sign or zeros from the base type's precision. An unsigned
// value above the largest int64 gives its bits. Of integers over 8 bytes only the lowest 8 count.
func (t *Type) EnumInt(i int) int64 {
	b := t.Base
	raw := t.Values[i].Raw
	var v uint64
	for k := range min(b.Precision, 64) {
		bit := b.BitOffset + k
		at := bit / 8
		if b.Order == BigEndian {
			at = len(raw) - 1 - at
		}
		v |= uint64(raw[at]>>(bit%8)&1) << k
	}
	if unused := 64 - min(b.Precision, 64); b.Signed {
		return int64(v<<unused) >> unused
	}
	return int64(v)
}

// HasVarLen reports whether elements hold addresses of data kept elsewhere in the file: variable-length data, or
// references other than to objects.
func (t *Type) HasVarLen() bool {
	switch t.Class {
	case VarLen:
		return true
	case Reference:
		return t.RefKind != RefObject
	case Compound:
		for _, m := range t.Members {
			if m.Type.HasVarLen() {
				return true
			}
		}
		return false
	}
	return t.Base != nil && t.Base.HasVarLen()
}

// Packed is the type of the elements of a sequence, a VarLen, as they lie in the heap. Of a sequence of references of HDF5
// 1.12 libhdf5 writes into the type, and reserves, what one takes in memory; they lie side by side in as many bytes as they
// have elsewhere in the file: kind, flags, length, and a heap address as the sequence's own.
func (t *Type) Packed() *Type {
	if t.Base.Class != Reference || t.Base.RefKind < RefObject2 || t.Base.Size < t.Size+2 {
		return t.Base
	}
	packed := *t.Base
	packed.Size = t.Size + 2
	return &packed
}

// HasNullTerminated reports whether elements hold fixed strings that end at their first NUL.
func (t *Type) HasNullTerminated() bool {
	switch t.Class {
	case String:
		return t.Pad == NullTerm
	case Compound:
		for _, m := range t.Members {
			if m.Type.HasNullTerminated() {
				return true
			}
		}
		return false
	}
	return t.Base != nil && t.Base.HasNullTerminated()
}

// IsIEEE reports whether t is a float of IEEE 754's binary16, binary32 or binary64, in either byte order.
func (t *Type) IsIEEE() bool {
	if t.Class != Float || t.Order == VAX || t.BitOffset != 0 || t.Precision != 8*t.Size || t.MantNorm != 2 || t.MantPos != 0 {
		return false
	}
	exp, ok := map[int]int{2: 5, 4: 8, 8: 11}[t.Size]
	mant := 8*t.Size - 1 - exp
	return ok && t.SignBit == 8*t.Size-1 && t.ExpPos == mant && t.ExpSize == exp && t.MantSize == mant &&
		t.ExpBias == 1<<(exp-1)-1
}
