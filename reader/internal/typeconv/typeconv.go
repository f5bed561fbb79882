// Package typeconv converts elements of one HDF5 datatype to another, as libhdf5 does when a virtual dataset and its source
// differ.
//
// New finds the way once; the Func it gives converts one element after the other. The values are those of libhdf5 2.0 on
// x86-64, which has two ways of converting numbers. Where both types are the machine's own ("hard" conversions) it is C's
// casts behind comparisons: what C leaves undefined, NaN to an integer above all, is what the processor does. All other
// types go bit by bit ("soft"), with other rounding. testdata has libhdf5's answers for both. The package starts no
// goroutine and touches no file; a Func is safe for concurrent use and never fails, whatever the bytes.
package typeconv

import (
	"slices"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// Func makes an element of the one type in dst, all of whose bytes are written, of one of the other in src. They are as
// long as the types at least and do not overlap.
type Func func(dst, src []byte)

// New gives the conversion from one type to another. Errors: fault.Unsupported where libhdf5 has none, or one that is not
// done here.
func New(from, to *h5type.Type) (Func, error) {
	if Same(from, to) {
		return raw(to.Size), nil
	}
	f, err := between(from, to)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fault.New(fault.Unsupported, "elements of %s as %s: HDF5 has no such conversion", from, to)
	}
	return f, nil
}

// Same tells whether elements of one type are those of the other. What character set a variable-length string claims does
// not change its bytes.
func Same(a, b *h5type.Type) bool {
	return a.Equal(b) || a.Class == b.Class && a.VarString && b.VarString && a.Size == b.Size
}

func raw(n int) Func { return func(dst, src []byte) { copy(dst[:n], src) } }

// between finds the conversion of types that differ, nil if there is none.
func between(from, to *h5type.Type) (Func, error) {
	switch {
	case from.Class == h5type.Enum || to.Class == h5type.Enum:
		return enums(from, to)
	case from.Class == h5type.Complex || to.Class == h5type.Complex:
		return complexes(from, to)
	case isNumber(from) && isNumber(to):
		return numbers(from, to)
	case isByte(from) && isByte(to): // one a bitfield
		return raw(1), nil
	case from.Class != to.Class:
		return nil, nil
	}
	switch from.Class {
	case h5type.String:
		return texts(from, to), nil
	case h5type.Bitfield:
		return bitfields(from, to)
	case h5type.Compound:
		return compounds(from, to)
	case h5type.Array:
		return arrays(from, to)
	case h5type.VarLen, h5type.Reference:
		return nil, fault.New(fault.Unsupported, "elements of %s as %s are not converted here", from, to)
	}
	return nil, nil
}

// isByte tells whether a type is eight bits without a sign.
func isByte(t *h5type.Type) bool {
	return (t.Class == h5type.Integer && !t.Signed || t.Class == h5type.Bitfield) && t.Size == 1 && t.Precision == 8 && t.Order == h5type.LittleEndian
}

func isNumber(t *h5type.Type) bool { return t.Class == h5type.Integer || t.Class == h5type.Float }

// numbers converts between integers and floats.
func numbers(from, to *h5type.Type) (Func, error) {
	if swapped(from, to) {
		return reversed(to.Size), nil
	}
	for _, t := range []*h5type.Type{from, to} {
		if t.Size > 8 || t.Order == h5type.VAX || t.Class == h5type.Float && t.MantNorm != implied {
			return nil, fault.New(fault.Unsupported, "numbers of %s are not converted to another type here", t)
		}
	}
	hard := native(from) && native(to)
	switch a, b := from.Class == h5type.Float, to.Class == h5type.Float; {
	case a && b && hard:
		return hardFloats(formatOf(from), formatOf(to)), nil
	case a && b:
		return softFloats(formatOf(from), formatOf(to)), nil
	case a && hard:
		return hardFloatToInteger(formatOf(from), integerOf(to)), nil
	case a:
		return softFloatToInteger(formatOf(from), integerOf(to)), nil
	case b:
		return integerToFloat(integerOf(from), formatOf(to), hard), nil
	}
	return integers(integerOf(from), integerOf(to)), nil
}

// native tells whether a number is one of the machine's, which is taken for x86-64.
func native(t *h5type.Type) bool {
	whole := t.Order == h5type.LittleEndian && t.BitOffset == 0 && t.Precision == 8*t.Size
	return whole && (t.Class == h5type.Integer && slices.Contains([]int{1, 2, 4, 8}, t.Size) || t.IsIEEE())
}

// swapped tells whether libhdf5 only reverses the bytes: of numbers of one size and two byte orders, whatever their signs
// and precisions.
func swapped(a, b *h5type.Type) bool {
	if a.Class != b.Class || a.Size != b.Size || a.Order == b.Order || a.Order == h5type.VAX || b.Order == h5type.VAX || a.BitOffset+b.BitOffset != 0 {
		return false
	}
	other := *b
	other.Order = a.Order
	return a.Class != h5type.Float || a.Equal(&other)
}

func reversed(n int) Func {
	return func(dst, src []byte) {
		copy(dst[:n], src)
		slices.Reverse(dst[:n])
	}
}
