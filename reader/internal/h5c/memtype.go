package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

type memKind uint8

const (
	kindInt memKind = iota
	kindFloat
	kindBool
	kindString  // fixed
	kindVString // char *
	kindBytes
	kindRef
	kindVLen // hvl_t
	kindArray
	kindCompound
)

// memType is a type as it lies in this process's memory.
type memType struct {
	kind     memKind
	size     int
	signed   bool
	pad      C.H5T_str_t
	base     *memType
	dims     []uint64
	members  []memMember
	variable bool
}

type memMember struct {
	name   string
	offset int
	t      *memType
}

const maxTypeNodes = 20_000

var errTypeTooBig = errors.New("datatype with too many parts")

// memoryType gives the type to read values of a file's type with, the caller's to close, and its description.
func (f *File) memoryType(file C.hid_t) (C.hid_t, *memType, error) {
	var t C.hid_t
	if C.H5Tget_class(file) == C.H5T_TIME { // has no native type: as it is
		t = C.H5Tcopy(file)
	} else {
		t = C.H5Tget_native_type(file, C.H5T_DIR_ASCEND)
	}
	if t < 0 {
		return -1, nil, f.because("datatype")
	}
	nodes := maxTypeNodes
	desc, err := f.describeType(t, maxTypeDepth, &nodes)
	if err != nil {
		C.H5Tclose(t)
		return -1, nil, err
	}
	return t, desc, nil
}

func (f *File) describeType(t C.hid_t, depth int, nodes *int) (*memType, error) {
	if *nodes--; depth == 0 || *nodes < 0 {
		return nil, errTypeTooBig
	}
	size := C.H5Tget_size(t)
	if size == 0 || size > maxElement {
		return nil, fmt.Errorf("element of %d bytes", uint64(size))
	}
	out := &memType{size: int(size)}
	return out, f.describeClass(out, t, depth, nodes)
}

func (f *File) describeClass(out *memType, t C.hid_t, depth int, nodes *int) error {
	switch class := C.H5Tget_class(t); class {
	case C.H5T_INTEGER, C.H5T_BITFIELD, C.H5T_TIME:
		out.signed = class != C.H5T_BITFIELD && C.H5Tget_sign(t) != C.H5T_SGN_NONE
	case C.H5T_FLOAT:
		out.kind = kindFloat
	case C.H5T_STRING:
		out.kind, out.pad = kindString, C.H5Tget_strpad(t)
		if out.variable = C.H5Tis_variable_str(t) > 0; out.variable {
			out.kind = kindVString
		}
	case C.H5T_OPAQUE:
		out.kind = kindBytes
	case C.H5T_REFERENCE:
		out.kind = kindBytes
		if C.H5Tequal(t, C.H5T_STD_REF_OBJ) > 0 {
			out.kind = kindRef
		}
	case C.H5T_ENUM:
		return f.describeEnum(out, t, depth, nodes)
	case C.H5T_VLEN:
		out.kind, out.variable = kindVLen, true
		return f.describeBase(out, t, depth, nodes)
	case C.H5T_ARRAY:
		return f.describeArray(out, t, depth, nodes)
	case C.H5T_COMPOUND:
		return f.describeCompound(out, t, depth, nodes)
	default:
		return fmt.Errorf("datatype class %d", int(class))
	}
	return nil
}

func (f *File) describeBase(out *memType, t C.hid_t, depth int, nodes *int) error {
	base := C.H5Tget_super(t)
	if base < 0 {
		return f.because("base type")
	}
	defer C.H5Tclose(base)
	var err error
	if out.base, err = f.describeType(base, depth-1, nodes); err == nil {
		out.variable = out.variable || out.base.variable
	}
	return err
}

func (f *File) describeArray(out *memType, t C.hid_t, depth int, nodes *int) error {
	out.kind = kindArray
	var dims [maxRank]C.hsize_t
	if n := C.H5Tget_array_ndims(t); n < 0 || n > maxRank {
		return f.because("array type")
	}
	rank := C.H5Tget_array_dims2(t, &dims[0])
	if rank < 0 {
		return f.because("array type")
	}
	out.dims = extents(dims[:rank])
	if err := f.describeBase(out, t, depth, nodes); err != nil {
		return err
	}
	if n, ok := product(out.dims, uint64(out.base.size)); !ok || n > uint64(out.size) {
		return errors.New("array type larger than its element")
	}
	return nil
}

// describeEnum takes h5py's booleans for what they mean and other enums for their numbers.
func (f *File) describeEnum(out *memType, t C.hid_t, depth int, nodes *int) error {
	if err := f.describeBase(out, t, depth, nodes); err != nil {
		return err
	}
	out.kind, out.signed = out.base.kind, out.base.signed
	if C.H5Tget_nmembers(t) == 2 && enumHas(t, "FALSE", 0) && enumHas(t, "TRUE", 1) {
		out.kind = kindBool
	}
	return nil
}

func enumHas(t C.hid_t, name string, value byte) bool {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	size := C.H5Tget_size(t)
	if size > 8 {
		return false
	}
	var raw [8]byte
	if C.H5Tenum_valueof(t, c, unsafe.Pointer(&raw[0])) < 0 {
		return false
	}
	var want [8]byte
	putNative(want[:size], uint64(value))
	return raw == want
}

func (f *File) describeCompound(out *memType, t C.hid_t, depth int, nodes *int) error {
	out.kind = kindCompound
	n := C.H5Tget_nmembers(t)
	if n < 0 {
		return f.because("compound type")
	}
	for i := C.uint(0); i < C.uint(n); i++ {
		m, err := f.describeMember(t, i, depth, nodes)
		if err != nil {
			return err
		}
		if m.offset < 0 || m.offset > out.size-m.t.size {
			return errors.New("member outside its compound")
		}
		out.members = append(out.members, m)
		out.variable = out.variable || m.t.variable
	}
	return nil
}

func (f *File) describeMember(t C.hid_t, i C.uint, depth int, nodes *int) (memMember, error) {
	m := C.H5Tget_member_type(t, i)
	if m < 0 {
		return memMember{}, f.because("member type")
	}
	defer C.H5Tclose(m)
	name := C.H5Tget_member_name(t, i)
	defer C.H5free_memory(unsafe.Pointer(name))
	desc, err := f.describeType(m, depth-1, nodes)
	return memMember{C.GoString(name), int(C.H5Tget_member_offset(t, i)), desc}, err
}
