package chunkindex

import (
	"encoding/binary"
	"math/bits"

	"github.com/mtflight/mtflight/internal/fault"
)

// Object is what a dataset's object header says of its storage. Its slices are not to be changed.
type Object struct {
	Type     []byte // the datatype message, of the committed type if it is one: h5type.Parse
	Space    Space
	Layout   Layout
	Filters  []Filter // in the order of the pipeline: the last is undone first
	Fill     Fill
	External []ExternalFile // the pieces of contiguous data, in order, if it lies in other files
}

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

// maxRank is H5S_MAX_RANK.
const maxRank = 32

// Filter is one filter of a pipeline (IV.A.2.l).
type Filter struct {
	ID       uint16
	Optional bool
	Name     string
	Params   []uint32 // cd_values
}

// Fill is the fill value. Neither Defined nor Undefined: HDF5's default, zeros.
type Fill struct {
	Defined   bool   // Value holds one element in the file's type
	Undefined bool   // none: what was never written has no value
	Value     []byte // not to be changed
	AllocTime uint8  // H5D_alloc_time_t: 1 early, 2 late, 3 incremental; 0 unknown
	FillTime  uint8  // H5D_fill_time_t: 0 on allocation, FillNever, 2 if set
}

// FillNever is H5D_FILL_TIME_NEVER: what was never written is whatever the reader had in its buffer.
const FillNever = 1

// ExternalFile is a piece of an external raw file (IV.A.2.h). Size Unlimited: to its end.
type ExternalFile struct {
	Name         string
	Offset, Size uint64
}

// Object parses the object header of a dataset at addr, relative to f.Base as H5Oget_info gives it. It fails with
// fault.DataLoss where the bytes are no dataset's header, with fault.Unsupported for versions not known.
func (f *File) Object(addr uint64) (*Object, error) {
	s := f.source()
	h, err := s.header(addr)
	if err != nil {
		return nil, err
	}
	o := &Object{Fill: Fill{Undefined: true}} // what libhdf5 takes it for where neither fill message is
	for _, part := range []struct {
		typ      uint16
		required bool
		parse    func(*source, *Object, []byte) error
	}{
		{msgType, true, parseType},
		{msgSpace, true, parseSpace},
		{msgLayout, true, parseLayout},
		{msgFilters, false, parseFilters},
		{msgOldFill, false, parseOldFill},
		{msgFill, false, parseFill},
		{msgExternal, false, parseExternal},
	} {
		b, err := s.get(h, part.typ)
		if err != nil {
			return nil, err
		}
		if b == nil && part.required {
			return nil, fault.New(fault.DataLoss, "chunkindex: read dataset at %#x: its header lacks message %#x", addr, part.typ)
		}
		if b == nil {
			continue
		}
		if err := part.parse(s, o, b); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func cutOff(what string) error {
	return fault.New(fault.DataLoss, "chunkindex: parse %s message: it is cut off", what)
}

// parseType keeps the message; eight bytes are class, bits and size.
func parseType(_ *source, o *Object, b []byte) error {
	if len(b) < 8 {
		return cutOff("datatype")
	}
	o.Type = b
	return nil
}

// typeSize is the size of an element in bytes.
func (o *Object) typeSize() uint64 { return uint64(binary.LittleEndian.Uint32(o.Type[4:])) }

func parseSpace(s *source, o *Object, b []byte) error {
	c := s.f.cursor(b)
	version, rank, flags := c.u8(), int(c.u8()), c.u8()
	kind := Simple
	switch {
	case version == 1:
		c.skip(5)
		if rank == 0 {
			kind = Scalar
		}
	case version == 2:
		k := c.u8()
		if k > 2 || k != 1 && rank > 0 {
			return fault.New(fault.DataLoss, "chunkindex: parse dataspace message: class %d with rank %d", k, rank)
		}
		kind = [...]SpaceKind{Scalar, Simple, Null}[k]
	default:
		return fault.New(fault.Unsupported, "chunkindex: parse dataspace message: version %d", version)
	}
	if rank > maxRank {
		return fault.New(fault.DataLoss, "chunkindex: parse dataspace message: rank %d", rank)
	}
	o.Space = Space{Kind: kind, Dims: c.lengths(rank)}
	o.Space.Max = o.Space.Dims
	if flags&1 != 0 {
		o.Space.Max = c.lengths(rank)
	}
	if c.short {
		return cutOff("dataspace")
	}
	return nil
}

func (c *cursor) lengths(n int) []uint64 {
	v := make([]uint64, n)
	for i := range v {
		v[i] = c.length()
	}
	return v
}

// elements is the number of elements; ok is false if it is beyond 64 bits.
func (s Space) elements() (n uint64, ok bool) {
	if s.Kind == Null {
		return 0, true
	}
	return product(s.Dims)
}

// product multiplies; ok is false on overflow. A zero factor makes it zero whatever the others.
func product(v []uint64) (n uint64, ok bool) {
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
