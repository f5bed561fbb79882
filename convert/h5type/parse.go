package h5type

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// Limits of what Parse and Validate accept.
const (
	MaxDepth   = 32            // types inside types, the outermost counted
	MaxMembers = 1 << 16       // members of compounds and values of enumerations, all levels together
	MaxSize    = math.MaxInt32 // bytes of one element
)

// maxRank is the largest number of dimensions HDF5 gives an array (H5S_MAX_RANK).
const maxRank = 32

// Parse reads a datatype message, versions 1 to 5 (section IV.A.2.d): the body of the message in an object header,
// or what H5Tencode gives without its first two bytes. Bytes after the type are ignored, since object headers pad.
//
// Sizes and offsets are as the message says. Messages of a file hold those of the file; H5Tencode of a dataset's
// type may hold libhdf5's sizes in memory instead, where variable-length data is inside.
//
// A malformed message is fault.DataLoss; a class, version or form that is not known is fault.Unsupported. The Type
// keeps nothing of msg.
func Parse(msg []byte) (*Type, error) {
	c := &cursor{rest: msg}
	t := c.parse(1)
	if c.err != nil {
		return nil, c.err
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return t, nil
}

// cursor reads a message from its start. The first error sticks, after which every read gives zeros.
type cursor struct {
	rest    []byte
	members int // members and values so far, all levels
	err     error
}

func (c *cursor) fail(kind error, format string, args ...any) {
	if c.err == nil {
		c.err = fault.New(kind, "h5type: parse datatype message: "+format, args...)
	}
}

// take gives the next n bytes, or nil after an error.
func (c *cursor) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.rest) {
		c.fail(fault.DataLoss, "truncated: %d bytes needed, %d left", n, len(c.rest))
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

// uint reads a little-endian number of up to 4 bytes.
func (c *cursor) uint(width int) uint32 {
	var b [4]byte
	copy(b[:], c.take(width))
	return binary.LittleEndian.Uint32(b[:])
}

func (c *cursor) int(width int) int { return int(c.uint(width)) }

// size reads a 4-byte count of bytes or elements.
func (c *cursor) size() int {
	n := c.uint(4)
	if n > MaxSize {
		c.fail(fault.Unsupported, "size %d exceeds %d", n, MaxSize)
		return 0
	}
	return int(n)
}

// name reads a NUL-terminated name, and spells it. Before version 3 it is padded to a multiple of 8 bytes, NUL included.
func (c *cursor) name(version int) string {
	n := bytes.IndexByte(c.rest, 0)
	if n < 0 {
		c.fail(fault.DataLoss, "name without end")
		return ""
	}
	stored := n + 1
	if version < 3 {
		stored = (n + 8) / 8 * 8
	}
	b := c.take(stored)
	if b == nil {
		return ""
	}
	return spell.Escape(string(b[:n]))
}

// count adds n members or values to the total and reports whether to go on.
func (c *cursor) count(n int) bool {
	if c.members += n; c.members > MaxMembers {
		c.fail(fault.DataLoss, "more than %d members and values", MaxMembers)
	}
	return c.err == nil
}

// parse reads one type with everything inside it. The result is of use only if c.err is nil.
func (c *cursor) parse(depth int) *Type {
	if depth > MaxDepth {
		c.fail(fault.DataLoss, "types nested more than %d deep", MaxDepth)
		return nil
	}
	head := c.uint(1)
	flags := c.uint(3)
	t := &Type{Class: Class(head & 15), Size: c.size()}
	version := int(head >> 4)
	switch {
	case c.err != nil:
	case version < 1:
		c.fail(fault.DataLoss, "version %d", version)
	case version > 5:
		c.fail(fault.Unsupported, "version %d is newer than this reader", version)
	case t.Size == 0:
		c.fail(fault.DataLoss, "class %d of size 0", t.Class)
	default:
		c.body(t, version, flags, depth)
	}
	return t
}

// body reads the class's flags and properties.
func (c *cursor) body(t *Type, version int, flags uint32, depth int) {
	switch t.Class {
	case Integer, Bitfield:
		t.Order = Order(flags & 1)
		t.Signed = t.Class == Integer && flags&8 != 0
		t.BitOffset, t.Precision = c.int(2), c.int(2)
	case Float:
		c.float(t, version, flags)
	case Time:
		t.Order = Order(flags & 1)
		t.Precision = c.int(2)
	case String:
		t.text(flags)
	case Opaque:
		c.opaque(t, int(flags&0xff))
	case Compound:
		c.compound(t, version, int(flags&0xffff), depth)
	case Reference:
		c.reference(t, flags)
	case Enum:
		c.enum(t, version, int(flags&0xffff), depth)
	case VarLen:
		c.varLen(t, flags, depth)
	case Array:
		c.array(t, version, depth)
	case Complex:
		c.complex(t, flags, depth)
	default:
		c.fail(fault.Unsupported, "class %d is not known", t.Class)
	}
}

func (c *cursor) float(t *Type, version int, flags uint32) {
	t.Order = Order(flags & 1)
	if version >= 3 && flags&0x40 != 0 { // bit 6 means nothing before version 3
		if t.Order != BigEndian {
			c.fail(fault.DataLoss, "byte order bits 0x40 of a float are reserved")
		}
		t.Order = VAX
	}
	t.MantNorm = uint8(flags >> 4 & 3)
	t.SignBit = int(flags >> 8 & 0xff)
	t.BitOffset, t.Precision = c.int(2), c.int(2)
	t.ExpPos, t.ExpSize = c.int(1), c.int(1)
	t.MantPos, t.MantSize = c.int(1), c.int(1)
	t.ExpBias = c.uint(4)
}

// text sets padding (4 bits) and character set (4 bits) of a string. The library reads strings with reserved values
// of both, so they are taken for null-padded and not UTF-8: no byte is lost by that.
func (t *Type) text(flags uint32) {
	t.Pad = Pad(flags & 15)
	if t.Pad > SpacePad {
		t.Pad = NullPad
	}
	t.UTF8 = flags>>4&15 == 1
}

// opaque reads the tag, n bytes with NULs at the end up to a multiple of 8.
func (c *cursor) opaque(t *Type, n int) {
	if n%8 != 0 {
		c.fail(fault.DataLoss, "opaque tag of %d bytes, no multiple of 8", n)
	}
	tag, _, _ := bytes.Cut(c.take(n), []byte{0})
	t.Tag = string(tag)
}

// reference sets the kind (4 bits) and checks the version (4 bits), which the kinds since HDF5 1.12 have.
func (c *cursor) reference(t *Type, flags uint32) {
	t.RefKind = RefKind(flags & 15)
	if version := flags >> 4 & 15; t.RefKind >= RefObject2 && version != 1 {
		c.fail(fault.Unsupported, "reference of version %d", version)
	}
}

// offsetWidth is the number of bytes of a member's offset in a compound of this size, since version 3.
func offsetWidth(size int) int { return (bits.Len(uint(size)) + 7) / 8 }
