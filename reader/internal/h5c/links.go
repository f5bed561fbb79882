package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// maxNames bounds the bytes of all names and link values of one group or object.
const maxNames = 128 << 20

const (
	hardLink     = 0
	softLink     = 1
	externalLink = 64
)

type link struct {
	kind  uint8
	addr  uint64 // hard: of the object header
	order int64  // meta.Link.Order
	name  string
	value []byte
}

var errTooManyNames = errors.New("too many names")

// links lists a group in the order of names. With an error, what was found before it.
func (f *File) links(group C.hid_t) ([]link, error) {
	buf := C.h5c_buf{max: maxNames}
	rc := C.h5c_links(group, f.lapl, &buf)
	var err error
	if rc < 0 {
		err = errors.New(f.cause())
	} else if buf.full != 0 {
		err = errTooManyNames
	}
	defer C.free(unsafe.Pointer(buf.data))
	return parseLinks(records(&buf)), err
}

// records is a view of C memory.
func records(b *C.h5c_buf) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(b.data)), int(b.len))
}

// parseLinks reads whole records; a last one that was cut by the bound is dropped.
func parseLinks(b []byte) []link {
	var out []link
	for len(b) >= 17 {
		l := link{kind: b[0], addr: binary.NativeEndian.Uint64(b[1:]), order: int64(binary.NativeEndian.Uint64(b[9:]))}
		name, rest, ok := text(b[17:])
		if !ok {
			break
		}
		value, rest, ok := text(rest)
		if !ok {
			break
		}
		l.name, l.value, b = string(name), bytes.Clone(value), rest
		out = append(out, l)
	}
	return out
}

// text cuts a u32 length and so many bytes from the front.
func text(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := uint64(binary.NativeEndian.Uint32(b))
	if n > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

// describe says what a link that is not hard is.
func (l link) describe(path string) meta.Link {
	out := meta.Link{Path: path, Kind: "user", Order: l.order}
	switch l.kind {
	case softLink:
		out.Kind, out.Target = "soft", spell.Escape(l.soft())
	case externalLink:
		out.Kind = "external"
		file, target := l.external()
		out.File, out.Target = spell.Escape(file), spell.Escape(target)
	}
	return out
}

func (l link) soft() string {
	s, _, _ := bytes.Cut(l.value, []byte{0})
	return string(s)
}

// external unpacks an external link's value: a version and flags byte, then two NUL-terminated strings.
func (l link) external() (file, target string) {
	if len(l.value) < 1 {
		return "", ""
	}
	a, rest, _ := bytes.Cut(l.value[1:], []byte{0})
	b, _, _ := bytes.Cut(rest, []byte{0})
	return string(a), string(b)
}
