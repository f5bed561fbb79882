package convert

import (
	"math"

	"github.com/mtflight/mtflight/convert/h5type"
)

// Int is an integer, a bitfield, a time or an enumeration's value as h5py reads it, the bits of its precision: src is one
// element in the file's type t of at most 8 bytes. Times have a sign. An unsigned value beyond the largest int64 gives its bits. Errors:
// fault.Unsupported.
func Int(t *h5type.Type, src []byte) (int64, error) {
	if _, err := wider(t); err != nil {
		return 0, err
	}
	of := *t
	of.Signed = t.Signed || t.Class == h5type.Time
	return bitsLoader(&of, t.Precision)(src), nil
}

// Float is a float as libhdf5 converts it, and how many bytes it has in Arrow: 4 and less, or 8. src is one element in
// the file's type t. Errors: fault.Unsupported.
func Float(t *h5type.Type, src []byte) (v float64, size int, err error) {
	if _, err := float(t); err != nil {
		return 0, 0, err
	}
	return math.Float64frombits(newSoftFloat(t, double).convert(src[:t.Size])), narrowest(t).size, nil
}

// FixedString is a fixed string without its padding, a part of src.
func FixedString(src []byte, t *h5type.Type) []byte { return src[:stripped(src[:t.Size], t.Pad)] }
