package h5type

import (
	"cmp"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// Validate checks what the rest of the program takes for granted: sizes within 1 to MaxSize, bit fields inside the
// element, members inside their compound, not overlapping and with distinct names, element sizes that add up, nesting and counts within
// the limits. It is for types not made by Parse, which has called it. Violations are fault.DataLoss; an enumeration
// of something else than integers and a complex type of something else than floats are fault.Unsupported.
func (t *Type) Validate() error {
	members := 0
	return t.validate(1, &members)
}

func bad(format string, args ...any) error {
	return fault.New(fault.DataLoss, "h5type: validate: "+format, args...)
}

func (t *Type) validate(depth int, members *int) error {
	if t == nil {
		return bad("base or member type missing")
	}
	if depth > MaxDepth {
		return bad("types nested more than %d deep", MaxDepth)
	}
	if t.Size < 1 || t.Size > MaxSize {
		return bad("class %d of size %d", t.Class, t.Size)
	}
	if *members += len(t.Members) + len(t.Values); *members > MaxMembers {
		return bad("more than %d members and values", MaxMembers)
	}
	for i := range t.Members {
		if err := t.Members[i].Type.validate(depth+1, members); err != nil {
			return err
		}
	}
	if t.Base != nil {
		if err := t.Base.validate(depth+1, members); err != nil {
			return err
		}
	}
	return t.validateClass()
}

// validateClass checks t alone; what is inside it is valid already.
func (t *Type) validateClass() error {
	if t.Base == nil && (t.Class == Enum || t.Class == VarLen || t.Class == Array || t.Class == Complex) {
		return bad("class %d without a base type", t.Class)
	}
	switch t.Class {
	case Integer, Bitfield, Time:
		return t.validateBits()
	case Float:
		return t.validateFloat()
	case String, VarLen:
		if t.Pad > SpacePad {
			return bad("string padding %d is reserved", t.Pad)
		}
	case Compound:
		return t.validateMembers()
	case Reference:
		if t.RefKind > RefAttr {
			return bad("reference kind %d is reserved", t.RefKind)
		}
	case Enum:
		return t.validateEnum()
	case Array:
		if size, ok := product(t.Base.Size, t.Dims); !ok || size != t.Size || len(t.Dims) < 1 || len(t.Dims) > maxRank {
			return bad("array%v of %d-byte elements with size %d", t.Dims, t.Base.Size, t.Size)
		}
	case Complex:
		return t.validateComplex()
	case Opaque:
	default:
		return fault.New(fault.Unsupported, "h5type: validate: class %d is not known", t.Class)
	}
	return nil
}

func (t *Type) validateBits() error {
	if t.BitOffset < 0 || t.Precision < 1 || t.BitOffset+t.Precision > 8*t.Size || t.Order > VAX {
		return bad("class %d of %d bytes with %d bits at bit %d", t.Class, t.Size, t.Precision, t.BitOffset)
	}
	return nil
}

func (t *Type) validateFloat() error {
	if err := t.validateBits(); err != nil {
		return err
	}
	bits := 8 * t.Size
	if t.SignBit < 0 || t.SignBit >= bits ||
		t.ExpPos < 0 || t.ExpSize < 1 || t.ExpPos+t.ExpSize > bits ||
		t.MantPos < 0 || t.MantSize < 1 || t.MantPos+t.MantSize > bits {
		return bad("float of %d bytes with sign %d, exponent %d+%d, mantissa %d+%d",
			t.Size, t.SignBit, t.ExpPos, t.ExpSize, t.MantPos, t.MantSize)
	}
	if overlap(t.SignBit, 1, t.ExpPos, t.ExpSize) || overlap(t.SignBit, 1, t.MantPos, t.MantSize) ||
		overlap(t.ExpPos, t.ExpSize, t.MantPos, t.MantSize) {
		return bad("sign, exponent and mantissa of a float overlap")
	}
	if t.MantNorm > 2 {
		return bad("mantissa normalization %d is reserved", t.MantNorm)
	}
	if t.Order == VAX && t.Size%2 != 0 { // bytes are swapped in pairs
		return bad("VAX float of %d bytes", t.Size)
	}
	return nil
}

func overlap(a, na, b, nb int) bool { return a < b+nb && b < a+na }

func (t *Type) validateMembers() error {
	if len(t.Members) == 0 {
		return bad("compound without members")
	}
	names := make(map[string]bool, len(t.Members))
	for _, m := range t.Members {
		if names[m.Name] {
			return bad("two members %s", spell.Quote(m.Name))
		}
		names[m.Name] = true
		if m.Offset < 0 || m.Offset > t.Size-m.Type.Size {
			return bad("member %s of %d bytes at %d is outside its compound of %d bytes", spell.Quote(m.Name), m.Type.Size, m.Offset, t.Size)
		}
	}
	sorted := slices.Clone(t.Members)
	slices.SortFunc(sorted, func(a, b Member) int { return cmp.Compare(a.Offset, b.Offset) })
	for i, m := range sorted[1:] {
		if sorted[i].Offset+sorted[i].Type.Size > m.Offset {
			return bad("members %s and %s overlap", spell.Quote(sorted[i].Name), spell.Quote(m.Name))
		}
	}
	return nil
}

func (t *Type) validateEnum() error {
	if t.Base.Class != Integer {
		return fault.New(fault.Unsupported, "h5type: validate: enumeration of class %d, not of integers", t.Base.Class)
	}
	if t.Size != t.Base.Size {
		return bad("enumeration of %d bytes over an integer of %d", t.Size, t.Base.Size)
	}
	for _, v := range t.Values {
		if v.Name == "" {
			return bad("enumeration value without a name")
		}
		if len(v.Raw) != t.Size {
			return bad("enumeration value %s of %d bytes, not %d", spell.Quote(v.Name), len(v.Raw), t.Size)
		}
	}
	return nil
}

func (t *Type) validateComplex() error {
	if t.Base.Class != Float {
		return fault.New(fault.Unsupported, "h5type: validate: complex type of class %d, not of floats", t.Base.Class)
	}
	if t.Size != 2*t.Base.Size {
		return bad("complex type of %d bytes with parts of %d", t.Size, t.Base.Size)
	}
	return nil
}
