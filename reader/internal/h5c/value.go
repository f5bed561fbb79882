package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/mtflight/mtflight/internal/spell"
)

// decoder writes values in memory as JSON.
type decoder struct {
	*File
	out  []byte
	left int // bytes of values that may still be visited
}

var errTooLong = fmt.Errorf("a value of more than %d bytes, not listed", maxAttr)

// spend takes n bytes of values from what is left.
func (d *decoder) spend(n uint64) error {
	if n > uint64(max(d.left, 0)) {
		return errTooLong
	}
	d.left -= int(n)
	return nil
}

// list writes nested lists of an array's elements, a lone element if there are no dims.
func (d *decoder) list(b []byte, dims []uint64, t *memType) error {
	if len(dims) == 0 {
		return d.value(b[:t.size], t)
	}
	n, _ := product(dims[1:], uint64(t.size))
	d.out = append(d.out, '[')
	for i := uint64(0); i < dims[0]; i++ {
		if i > 0 {
			d.out = append(d.out, ',')
		}
		// An inner extent of 0 makes rows of no bytes: they cost too.
		if n == 0 {
			if err := d.spend(2); err != nil {
				return err
			}
		}
		if err := d.list(b[i*n:i*n+n], dims[1:], t); err != nil {
			return err
		}
	}
	d.out = append(d.out, ']')
	return nil
}

func (d *decoder) value(b []byte, t *memType) error {
	switch t.kind {
	case kindVString:
		return d.pointer(b)
	case kindVLen:
		return d.sequence(b, t)
	case kindArray:
		return d.list(b, t.dims, t.base)
	case kindCompound:
		return d.compound(b, t)
	}
	if err := d.spend(uint64(t.size)); err != nil {
		return err
	}
	switch t.kind {
	case kindFloat:
		d.float(b)
	case kindBool:
		d.out = strconv.AppendBool(d.out, native(b) != 0)
	case kindString:
		d.text(strip(b, t.pad))
	case kindBytes:
		d.base64(b)
	case kindRef:
		d.ref(native(b))
	default:
		d.integer(b, t.signed)
	}
	return nil
}

func (d *decoder) integer(b []byte, signed bool) {
	if len(b) > 8 {
		d.base64(b)
		return
	}
	v := native(b)
	if signed {
		shift := 64 - 8*len(b)
		d.out = strconv.AppendInt(d.out, int64(v<<shift)>>shift, 10)
		return
	}
	d.out = strconv.AppendUint(d.out, v, 10)
}

func (d *decoder) float(b []byte) {
	bits := 64
	var v float64
	switch len(b) {
	case 4:
		bits, v = 32, float64(math.Float32frombits(uint32(native(b))))
	case 8:
		v = math.Float64frombits(native(b))
	default:
		v = extended(b)
	}
	switch {
	case math.IsNaN(v):
		d.out = append(d.out, `"NaN"`...)
	case math.IsInf(v, 1):
		d.out = append(d.out, `"Infinity"`...)
	case math.IsInf(v, -1):
		d.out = append(d.out, `"-Infinity"`...)
	default:
		d.out = strconv.AppendFloat(d.out, v, 'g', -1, bits)
	}
}

// extended converts a long double through the C compiler, whatever its format is here.
func extended(b []byte) float64 {
	return float64(C.h5c_long_double(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

// native reads an integer of 1 to 8 bytes in the machine's order; more bytes: the first eight.
func native(b []byte) uint64 {
	var full [8]byte
	b = b[:min(len(b), 8)]
	if littleEndian {
		copy(full[:], b)
	} else {
		copy(full[8-len(b):], b)
	}
	return binary.NativeEndian.Uint64(full[:])
}

// putNative is the inverse of native.
func putNative(b []byte, v uint64) {
	var full [8]byte
	binary.NativeEndian.PutUint64(full[:], v)
	if littleEndian {
		copy(b, full[:])
	} else {
		copy(b, full[8-len(b):])
	}
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func strip(b []byte, pad C.H5T_str_t) []byte {
	switch pad {
	case C.H5T_STR_SPACEPAD:
		return bytes.TrimRight(bytes.TrimRight(b, "\x00"), " ")
	case C.H5T_STR_NULLPAD:
		return bytes.TrimRight(b, "\x00")
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return b
}

func (d *decoder) text(b []byte) {
	if !utf8.Valid(b) {
		d.base64(b)
		return
	}
	quoted, _ := json.Marshal(string(b)) // cannot fail for a string
	d.out = append(d.out, quoted...)
}

func (d *decoder) base64(b []byte) {
	d.out = append(d.out, `{"base64":"`...)
	d.out = base64.StdEncoding.AppendEncode(d.out, b)
	d.out = append(d.out, `"}`...)
}

func (d *decoder) ref(addr uint64) {
	name := d.refName(addr)
	if name == "" {
		d.out = append(d.out, "null"...)
		return
	}
	d.out = append(d.out, `{"ref":`...)
	d.text([]byte(name))
	d.out = append(d.out, '}')
}

// pointer writes the string that a char * points to.
func (d *decoder) pointer(b []byte) error {
	p := *(*unsafe.Pointer)(unsafe.Pointer(&b[0]))
	if p == nil {
		d.out = append(d.out, `""`...)
		return nil
	}
	n := C.strnlen((*C.char)(p), maxAttr+1)
	if err := d.spend(uint64(n) + 1); err != nil {
		return err
	}
	d.text(unsafe.Slice((*byte)(p), int(n)))
	return nil
}

// sequence writes the elements that a hvl_t points to.
func (d *decoder) sequence(b []byte, t *memType) error {
	v := (*C.hvl_t)(unsafe.Pointer(&b[0]))
	n := uint64(v.len)
	if v.p == nil {
		n = 0
	}
	if n > maxAttr {
		return d.spend(n)
	}
	if err := d.spend(2); err != nil {
		return err
	}
	return d.list(unsafe.Slice((*byte)(v.p), int(n)*t.base.size), []uint64{n}, t.base)
}

func (d *decoder) compound(b []byte, t *memType) error {
	d.out = append(d.out, '{')
	for i, m := range t.members {
		if i > 0 {
			d.out = append(d.out, ',')
		}
		d.text([]byte(spell.Escape(m.name)))
		d.out = append(d.out, ':')
		if err := d.value(b[m.offset:m.offset+m.t.size], m.t); err != nil {
			return err
		}
	}
	d.out = append(d.out, '}')
	return nil
}
