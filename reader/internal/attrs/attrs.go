// Package attrs gives the values of HDF5 attributes as JSON: numbers, texts and lists as they are, compounds as objects,
// {"base64": ..} for bytes that are neither, {"ref": path} for object references, "NaN", "Infinity" and "-Infinity" for
// floats that JSON has no form for, null for a null dataspace.
//
// JSON is the one function to know. It does no I/O of its own: what elements only point at comes from a Pointed. Values
// and errors are the caller's own. Safe for concurrent use as far as the Pointed is.
package attrs

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Pointed finds what elements only point at.
type Pointed interface {
	// Object is an object of the global heap, nil for the null reference.
	Object(addr uint64, index uint32) ([]byte, error)
	// Name is a path of the object whose header is at an address, "" if there is none.
	Name(addr uint64) (string, error)
}

// TooLarge is the error of a value of more bytes than were asked for.
type TooLarge struct{ Bytes uint64 }

func (e *TooLarge) Error() string {
	return "a value of " + strconv.FormatUint(e.Bytes, 10) + " bytes or more"
}

// Value is an attribute's value as it lies in the file: the elements of a dataspace in the file's type.
type Value struct {
	Type       *h5type.Type
	Space      h5file.Space
	Data       []byte // maybe only the beginning, of what is TooLarge anyway
	Size       uint64 // bytes of all of it
	OffsetSize int    // bytes of an address
}

// JSON is the value, or *TooLarge where its elements and what they point at are more than limit bytes. Other errors are
// fault.DataLoss for what is damaged and fault.Unsupported for types that have no JSON.
func JSON(v Value, from Pointed, limit int) (json.RawMessage, error) {
	if v.Space.Kind == h5file.Null {
		return json.RawMessage("null"), nil
	}
	size, ok := h5file.Product(append([]uint64{uint64(v.Type.Size)}, v.Space.Dims...))
	if !ok || size > v.Size {
		return nil, fault.New(fault.DataLoss, "the value is cut off: %d bytes are there", v.Size)
	}
	if size += v.pointed(size); size > uint64(limit) {
		return nil, &TooLarge{size}
	}
	e := &encoder{from: from, o: v.OffsetSize, left: limit, room: 4 * limit}
	if err := e.list(v.Data, v.Space.Dims, v.Type); err != nil {
		return nil, err
	}
	return e.out, nil
}

// pointed is how many bytes elements of variable length point at, as far as these tell by themselves.
func (v Value) pointed(size uint64) (n uint64) {
	if v.Type.Class != h5type.VarLen || v.Type.Size < 4 || size > uint64(len(v.Data)) {
		return 0
	}
	each := uint64(1)
	if !v.Type.VarString {
		each = uint64(v.Type.Base.Size)
	}
	for at := 0; at < int(size); at += v.Type.Size {
		n += each * uint64(binary.LittleEndian.Uint32(v.Data[at:]))
	}
	return n
}

// encoder writes elements as JSON.
type encoder struct {
	from Pointed
	o    int
	out  []byte
	left int // bytes of values that may still be visited
	used int // bytes visited
	room int // bytes of JSON, with spare more
}

// Names of members come with every element, rows that have none cost brackets: JSON may be longer than the bytes visited, but
// not without end.
const (
	longer = 256     // times
	spare  = 1 << 20 // bytes
)

// spend takes n bytes of values from what is left.
func (e *encoder) spend(n int) error {
	e.used += n
	return e.take(n)
}

func (e *encoder) take(n int) error {
	if n > e.left || !e.fits() {
		return &TooLarge{uint64(max(e.used, len(e.out)))}
	}
	e.left -= n
	return nil
}

// fits tells whether the JSON is not too long for the bytes it is made of.
func (e *encoder) fits() bool { return len(e.out) <= min(e.room, longer*e.used)+spare }

func (e *encoder) write(b ...byte) { e.out = append(e.out, b...) }
func (e *encoder) text(s string)   { e.out = append(e.out, s...) }
func (e *encoder) quoted(s []byte) { e.out = appendText(e.out, s) }
func (e *encoder) base64(b []byte) {
	e.text(`{"base64":"`)
	e.out = base64.StdEncoding.AppendEncode(e.out, b)
	e.text(`"}`)
}

// appendText is a JSON string, or base64 of what is no UTF-8.
func appendText(out, b []byte) []byte {
	if !utf8.Valid(b) {
		out = append(out, `{"base64":"`...)
		out = base64.StdEncoding.AppendEncode(out, b)
		return append(out, `"}`...)
	}
	quoted, _ := json.Marshal(string(b)) // cannot fail for a string
	return append(out, quoted...)
}

// list writes nested lists of an array's elements, a lone element if there are no dims.
func (e *encoder) list(b []byte, dims []uint64, t *h5type.Type) error {
	if len(dims) == 0 {
		return e.value(b[:t.Size], t)
	}
	n := uint64(t.Size)
	for _, d := range dims[1:] {
		n *= d
	}
	e.write('[')
	for i := range dims[0] {
		if i > 0 {
			e.write(',')
		}
		if n == 0 { // an inner extent of 0 makes rows of no bytes: they cost too
			if err := e.take(2); err != nil {
				return err
			}
		}
		if err := e.list(b[i*n:i*n+n], dims[1:], t); err != nil {
			return err
		}
	}
	e.write(']')
	return nil
}

func (e *encoder) value(b []byte, t *h5type.Type) error {
	switch t.Class {
	case h5type.Array:
		return e.list(b, dims(t), t.Base)
	case h5type.Compound:
		return e.compound(b, t)
	case h5type.Complex:
		return e.complex(b, t)
	case h5type.VarLen:
		return e.pointed(b, t)
	}
	if err := e.spend(t.Size); err != nil {
		return err
	}
	return e.atom(b, t)
}

func dims(t *h5type.Type) []uint64 {
	out := make([]uint64, len(t.Dims))
	for i, n := range t.Dims {
		out[i] = uint64(n)
	}
	return out
}

func (e *encoder) atom(b []byte, t *h5type.Type) error {
	switch t.Class {
	case h5type.Integer, h5type.Time, h5type.Bitfield:
		return e.integer(b, t)
	case h5type.Float:
		return e.float(b, t)
	case h5type.Enum:
		return e.enum(b, t)
	case h5type.String:
		e.quoted(convert.FixedString(b, t))
	case h5type.Opaque:
		e.base64(b)
	case h5type.Reference:
		return e.reference(b, t)
	default:
		return fault.New(fault.Unsupported, "a type of class %d", t.Class)
	}
	return nil
}

func (e *encoder) integer(b []byte, t *h5type.Type) error {
	if t.Size > 8 {
		e.base64(b)
		return nil
	}
	v, err := convert.Int(t, b)
	if t.Signed || t.Class == h5type.Time {
		e.out = strconv.AppendInt(e.out, v, 10)
	} else {
		e.out = strconv.AppendUint(e.out, uint64(v), 10)
	}
	return err
}

// enum takes h5py's booleans for what they mean and other enumerations for their numbers.
func (e *encoder) enum(b []byte, t *h5type.Type) error {
	if !t.IsBoolEnum() {
		return e.integer(b, t.Base)
	}
	v, err := convert.Int(t.Base, b)
	e.out = strconv.AppendBool(e.out, v != 0)
	return err
}

func (e *encoder) float(b []byte, t *h5type.Type) error {
	v, size, err := convert.Float(t, b)
	if size <= 4 {
		v = float64(float32(v)) // of a bias that float32 has not, it may be infinite
	}
	switch {
	case math.IsNaN(v):
		e.text(`"NaN"`)
	case math.IsInf(v, 1):
		e.text(`"Infinity"`)
	case math.IsInf(v, -1):
		e.text(`"-Infinity"`)
	default:
		e.out = strconv.AppendFloat(e.out, v, 'g', -1, 8*max(size, 4))
	}
	return err
}

// reference writes an object's path, and other references' bytes.
func (e *encoder) reference(b []byte, t *h5type.Type) error {
	if t.RefKind > h5type.RefRegion {
		return fault.New(fault.Unsupported, "a reference of the kind that HDF5 1.12 introduced")
	}
	if t.RefKind == h5type.RefRegion {
		e.base64(b)
		return nil
	}
	addr := address(b)
	name, err := "", error(nil)
	if addr != 0 && addr != h5file.Undefined>>(64-8*min(len(b), 8)) {
		name, err = e.from.Name(addr)
	}
	if name == "" {
		e.text("null")
		return err
	}
	e.text(`{"ref":`)
	e.quoted([]byte(name))
	e.write('}')
	return err
}

// address is one of up to eight bytes.
func address(b []byte) uint64 {
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:])
}

func (e *encoder) compound(b []byte, t *h5type.Type) error {
	e.write('{')
	for i, m := range t.Members {
		if i > 0 {
			e.write(',')
		}
		e.quoted([]byte(m.Name))
		e.write(':')
		if !e.fits() {
			return &TooLarge{uint64(len(e.out))}
		}
		if err := e.value(b[m.Offset:m.Offset+m.Type.Size], m.Type); err != nil {
			return err
		}
	}
	e.write('}')
	return nil
}

func (e *encoder) complex(b []byte, t *h5type.Type) error {
	half := t.Base.Size
	e.text(`{"r":`)
	if err := e.value(b[:half], t.Base); err != nil {
		return err
	}
	e.text(`,"i":`)
	if err := e.value(b[half:2*half], t.Base); err != nil {
		return err
	}
	e.write('}')
	return nil
}

// pointed writes variable-length data (III.E): a count, the address of a heap collection, a number therein.
func (e *encoder) pointed(b []byte, t *h5type.Type) error {
	if len(b) < 8+e.o {
		return fault.New(fault.DataLoss, "variable-length data of %d bytes an element", len(b))
	}
	count := uint64(binary.LittleEndian.Uint32(b))
	object, err := e.from.Object(address(b[4:4+e.o]), binary.LittleEndian.Uint32(b[4+e.o:]))
	if err != nil {
		return err
	}
	if t.VarString {
		return e.string(object[:min(count, uint64(len(object)))])
	}
	return e.sequence(object, count, t.Base)
}

func (e *encoder) string(b []byte) error {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if err := e.spend(len(b) + 1); err != nil {
		return err
	}
	e.quoted(b)
	return nil
}

func (e *encoder) sequence(object []byte, count uint64, base *h5type.Type) error {
	if object == nil {
		count = 0
	}
	if count > uint64(len(object)/base.Size) {
		return fault.New(fault.DataLoss, "a sequence of %d elements of %d bytes in %d", count, base.Size, len(object))
	}
	if err := e.spend(2); err != nil {
		return err
	}
	return e.list(object, []uint64{count}, base)
}
