package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Bounds of one dataset's description.
const (
	maxTypeBytes = 16 << 20 // of the encoded datatype
	maxElement   = 64 << 20 // bytes of one element
	maxFilters   = 64
	maxParams    = 1 << 16
	maxExternal  = 100_000
	maxTypeDepth = 64
)

// maxRank is H5S_MAX_RANK.
const maxRank = 32

// dataset fills in what an open dataset is; attributes are left to the caller. Whatever fails leaves d as it was, with Err.
func (f *File) dataset(id C.hid_t, d meta.Dataset, storage bool) meta.Dataset {
	full := d
	for _, step := range []func(C.hid_t, *meta.Dataset) error{f.datatype, f.creation, f.space} {
		if err := step(id, &full); err != nil {
			d.Err = err.Error()
			return d
		}
	}
	// libhdf5 has no storage size of a virtual dataset, and finds that of a chunked one by walking its index.
	if full.Layout != meta.Virtual && (storage || full.Layout != meta.Chunked) {
		full.Storage = uint64(C.H5Dget_storage_size(id))
	}
	return full
}

// because is libhdf5's reason for a step that failed.
func (f *File) because(what string) error { return fmt.Errorf("%s: %s", what, f.cause()) }

func (f *File) datatype(id C.hid_t, d *meta.Dataset) error {
	t := C.H5Dget_type(id)
	if t < 0 {
		return f.because("datatype")
	}
	defer C.H5Tclose(t)
	var err error
	d.Type, err = f.encode(t)
	return err
}

// encode gives the datatype message of a type as it lies in the file.
func (f *File) encode(t C.hid_t) ([]byte, error) {
	var n C.size_t
	if C.H5Tencode(t, nil, &n) < 0 {
		return nil, f.because("encode datatype")
	}
	if n < 2+8 || n > maxTypeBytes {
		return nil, fmt.Errorf("datatype message of %d bytes", uint64(n))
	}
	buf := make([]byte, n)
	if C.H5Tencode(t, unsafe.Pointer(&buf[0]), &n) < 0 {
		return nil, f.because("encode datatype")
	}
	// libhdf5 hands out the layout in memory, where heap parts are pointers: another size, and so other offsets.
	variable := C.h5c_has_variable(t, maxTypeDepth)
	if variable < 0 {
		return nil, errors.New("datatype nested too deep")
	}
	if variable == 0 {
		return buf[2:], nil
	}
	return onDisk(buf[2:], f.addrSize())
}

func (f *File) creation(id C.hid_t, d *meta.Dataset) error {
	list := C.H5Dget_create_plist(id)
	if list < 0 {
		return f.because("creation properties")
	}
	defer C.H5Pclose(list)
	if err := f.layout(list, d); err != nil {
		return err
	}
	if err := f.filters(list, d); err != nil {
		return err
	}
	return f.externals(list, d)
}

func (f *File) layout(list C.hid_t, d *meta.Dataset) error {
	layout := C.H5Pget_layout(list)
	if layout < 0 {
		return f.because("layout")
	}
	d.Layout = meta.Layout(layout)
	if d.Layout == meta.Chunked {
		var dims [maxRank + 1]C.hsize_t
		rank := C.H5Pget_chunk(list, C.int(len(dims)), &dims[0])
		if rank < 0 || int(rank) > maxRank {
			return f.because("chunk shape")
		}
		d.Chunk = extents(dims[:rank])
	}
	return nil
}

func extents(dims []C.hsize_t) []uint64 {
	out := make([]uint64, len(dims))
	for i, n := range dims {
		out[i] = uint64(n)
	}
	return out
}

func (f *File) filters(list C.hid_t, d *meta.Dataset) error {
	n := C.H5Pget_nfilters(list)
	if n < 0 || n > maxFilters {
		return f.because("filters")
	}
	for i := C.uint(0); i < C.uint(n); i++ {
		filter, err := f.filter(list, i)
		if err != nil {
			return err
		}
		d.Filters = append(d.Filters, filter)
	}
	return nil
}

func (f *File) filter(list C.hid_t, i C.uint) (meta.Filter, error) {
	var flags C.uint
	var name [256]C.char
	params := make([]C.uint, 32)
	for {
		n := C.size_t(len(params))
		id := C.H5Pget_filter2(list, i, &flags, &n, &params[0], C.size_t(len(name)-1), &name[0], nil)
		if id < 0 || n > maxParams {
			return meta.Filter{}, f.because("filter")
		}
		if int(n) > len(params) {
			params = make([]C.uint, n)
			continue
		}
		out := meta.Filter{ID: uint16(id), Optional: flags&C.H5Z_FLAG_OPTIONAL != 0, Name: C.GoString(&name[0])}
		for _, p := range params[:n] {
			out.Params = append(out.Params, uint32(p))
		}
		return out, nil
	}
}

func (f *File) externals(list C.hid_t, d *meta.Dataset) error {
	n := C.H5Pget_external_count(list)
	if n < 0 || n > maxExternal {
		return f.because("external files")
	}
	var name [4097]C.char // the last stays NUL
	for i := C.uint(0); i < C.uint(n); i++ {
		var offset C.off_t
		var size C.hsize_t
		if C.H5Pget_external(list, i, C.size_t(len(name)-1), &name[0], &offset, &size) < 0 {
			return f.because("external file")
		}
		d.External = append(d.External, meta.External{File: C.GoString(&name[0]), Offset: uint64(offset), Size: uint64(size)})
	}
	return nil
}

// space refuses virtual datasets that grow with their sources: libhdf5 would open these to know the extent.
func (f *File) space(id C.hid_t, d *meta.Dataset) error {
	if d.Layout == meta.Virtual {
		if err := f.fixed(id); err != nil {
			return err
		}
	}
	s := C.H5Dget_space(id)
	if s < 0 {
		return f.because("dataspace")
	}
	defer C.H5Sclose(s)
	var err error
	d.Space, d.Shape, d.Max, err = f.extent(s)
	return err
}

func (f *File) extent(s C.hid_t) (meta.Space, []uint64, []uint64, error) {
	switch C.H5Sget_simple_extent_type(s) {
	case C.H5S_SCALAR:
		return meta.Scalar, nil, nil, nil
	case C.H5S_NULL:
		return meta.Null, nil, nil, nil
	case C.H5S_SIMPLE:
		var dims, limits [maxRank]C.hsize_t
		if n := C.H5Sget_simple_extent_ndims(s); n < 0 || n > maxRank {
			return 0, nil, nil, f.because("rank")
		}
		rank := C.H5Sget_simple_extent_dims(s, &dims[0], &limits[0])
		if rank < 0 {
			return 0, nil, nil, f.because("extents")
		}
		return meta.Simple, extents(dims[:rank]), extents(limits[:rank]), nil
	}
	return 0, nil, nil, f.because("dataspace")
}
