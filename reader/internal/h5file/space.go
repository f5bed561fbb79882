package h5file

import (
	"math/bits"

	"github.com/mtflight/mtflight/internal/fault"
)

// SpaceKind says what a dataspace is.
type SpaceKind uint8

// The dataspaces.
const (
	Simple SpaceKind = iota
	Scalar
	Null
)

// Space is a dataspace (IV.A.2.b). Max is as long as Dims.
type Space struct {
	Kind      SpaceKind
	Dims, Max []uint64 // elements; Max Unlimited: none
}

// Unlimited is the maximum extent of an axis without one (H5S_UNLIMITED).
const Unlimited = ^uint64(0)

// MaxRank is H5S_MAX_RANK.
const MaxRank = 32

// ParseSpace decodes a dataspace message of f.
func (f *File) ParseSpace(b []byte) (Space, error) {
	c := f.Cursor(b)
	version, rank, flags := c.U8(), int(c.U8()), c.U8()
	kind := Simple
	switch {
	case version == 1:
		c.Skip(5)
		if rank == 0 {
			kind = Scalar
		}
	case version == 2:
		k := c.U8()
		if k > 2 || k != 1 && rank > 0 {
			return Space{}, fault.New(fault.DataLoss, "h5file: parse dataspace message: class %d with rank %d", k, rank)
		}
		kind = [...]SpaceKind{Scalar, Simple, Null}[k]
	default:
		return Space{}, fault.New(fault.Unsupported, "h5file: parse dataspace message: version %d", version)
	}
	if rank > MaxRank {
		return Space{}, fault.New(fault.DataLoss, "h5file: parse dataspace message: rank %d", rank)
	}
	out := Space{Kind: kind, Dims: c.lengths(rank)}
	out.Max = out.Dims
	if flags&1 != 0 {
		out.Max = c.lengths(rank)
	}
	if c.Short {
		return Space{}, CutOff("dataspace")
	}
	return out, nil
}

// CutOff is the error of a message that ends too early.
func CutOff(what string) error {
	return fault.New(fault.DataLoss, "h5file: parse %s message: it is cut off", what)
}

func (c *Cursor) lengths(n int) []uint64 {
	v := make([]uint64, n)
	for i := range v {
		v[i] = c.Length()
	}
	return v
}

// Elements is the number of elements; ok is false if it is beyond 64 bits.
func (s Space) Elements() (n uint64, ok bool) {
	if s.Kind == Null {
		return 0, true
	}
	return Product(s.Dims)
}

// Product multiplies; ok is false on overflow. A zero factor makes it zero whatever the others.
func Product(v []uint64) (n uint64, ok bool) {
	n, ok = 1, true
	for _, d := range v {
		if d == 0 {
			return 0, true
		}
		hi, lo := bits.Mul64(n, d)
		n, ok = lo, ok && hi == 0
	}
	return n, ok
}
