package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Bounds of attributes, in bytes of values.
const (
	maxAttr  = 64 << 10 // of one
	maxAttrs = 4 << 20  // of one object
)

// readAttrs reads an object's attributes in the order of names, taking what they cost from the budget.
func (f *File) readAttrs(object C.hid_t, budget *int) (out meta.Attrs) {
	names, err := f.attrNames(object)
	if err != nil {
		out.Err = err.Error()
	}
	for _, name := range names {
		// The names count too: a million empty attributes are not free.
		if *budget -= len(spell.Escape(name)) + 16; *budget < 0 {
			out.Err = "too many attributes: the rest is not listed"
			return out
		}
		a := meta.Attr{Name: spell.Escape(name)}
		if a.Value, err = f.attr(object, name, budget); err != nil {
			a.Value, a.Err = nil, err.Error()
		}
		out.All = append(out.All, a)
	}
	slices.SortStableFunc(out.All, func(x, y meta.Attr) int { return cmp.Compare(x.Name, y.Name) }) // spelled
	return out
}

func (f *File) attrNames(object C.hid_t) ([]string, error) {
	buf := C.h5c_buf{max: maxNames}
	rc := C.h5c_attr_names(object, &buf)
	var err error
	if rc < 0 {
		err = errors.New(f.cause())
	} else if buf.full != 0 {
		err = errTooManyNames
	}
	defer C.free(unsafe.Pointer(buf.data))
	var out []string
	for b := records(&buf); ; {
		name, rest, ok := text(b)
		if !ok {
			return out, err
		}
		out, b = append(out, string(name)), rest
	}
}

func (f *File) attr(object C.hid_t, name string, budget *int) (json.RawMessage, error) {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	a := C.H5Aopen(object, c, C.H5P_DEFAULT)
	if a < 0 {
		return nil, f.because("open")
	}
	defer C.H5Aclose(a)
	s := C.H5Aget_space(a)
	if s < 0 {
		return nil, f.because("dataspace")
	}
	defer C.H5Sclose(s)
	space, dims, _, err := f.extent(s)
	if err != nil || space == meta.Null {
		return json.RawMessage("null"), err
	}
	file := C.H5Aget_type(a)
	if file < 0 {
		return nil, f.because("datatype")
	}
	defer C.H5Tclose(file)
	t, desc, err := f.memoryType(file)
	if err != nil {
		return nil, err
	}
	defer C.H5Tclose(t)
	return f.attrValue(a, s, t, desc, dims, budget)
}

// attrValue reads into C memory, since libhdf5 puts pointers to its own allocations there.
func (f *File) attrValue(a, s, t C.hid_t, desc *memType, dims []uint64, budget *int) (json.RawMessage, error) {
	n, err := listable(dims, desc, *budget)
	if err != nil {
		return nil, err
	}
	buf := C.calloc(1, C.size_t(n)+1)
	if buf == nil {
		return nil, errors.New("out of memory")
	}
	defer C.free(buf)
	if n > 0 && C.H5Aread(a, t, buf) < 0 {
		return nil, f.because("read")
	}
	if desc.variable && n > 0 {
		defer C.H5Dvlen_reclaim(t, s, C.H5P_DEFAULT, buf)
	}
	return f.asJSON(unsafe.Slice((*byte)(buf), int(n)), dims, desc, budget)
}

// listable is the size of a value that is not too large.
func listable(dims []uint64, desc *memType, budget int) (uint64, error) {
	n, ok := product(dims, uint64(desc.size))
	if !ok || n > maxAttr {
		return 0, fmt.Errorf("a value of %d bytes or more, not listed", n)
	}
	if n > uint64(budget) {
		return 0, fmt.Errorf("a value of %d bytes, not listed: the object's attributes are too large together", n)
	}
	return n, nil
}

func (f *File) asJSON(b []byte, dims []uint64, desc *memType, budget *int) (json.RawMessage, error) {
	d := decoder{File: f, left: min(maxAttr, *budget)}
	at := d.left
	err := d.list(b, dims, desc)
	*budget -= at - max(d.left, 0)
	if err != nil {
		return nil, err
	}
	return d.out, nil
}

// product is size times all dims; !ok if that overflows, with the largest number.
func product(dims []uint64, size uint64) (uint64, bool) {
	const most = 1 << 62
	for _, d := range dims {
		if d == 0 {
			return 0, true
		}
	}
	for _, d := range dims {
		if size > most/d {
			return most, false
		}
		size *= d
	}
	return size, true
}
