package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"math/bits"
	"unsafe"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// ReadSlab reads of the dataset of a spelled name the hyperslab of count elements from start, one number per axis (none for a scalar), into dst: the
// elements as they are in the file, packed, C order. len(dst) is exactly their size. Errors:
// fault.Invalid for a slab or dst that does not fit, fault.Unsupported for types with variable-length parts and datasets whose
// elements lie in other files, fault.NotFound, fault.DataLoss.
func (f *File) ReadSlab(name string, start, count []uint64, dst []byte) error {
	defer enter()()
	d, id, err := f.openDataset(spell.Unescape(name))
	if err != nil {
		return err
	}
	if d.OtherFile != "" {
		return fault.New(fault.Unsupported, "h5c: read %s: it lies in another file", name)
	}
	defer C.H5Oclose(id)
	t := C.H5Dget_type(id)
	if t < 0 {
		return f.fail("h5c: read %s", name)
	}
	defer C.H5Tclose(t)
	if C.h5c_has_variable(t, maxTypeDepth) != 0 {
		return fault.New(fault.Unsupported, "h5c: read %s: variable-length elements", name)
	}
	return f.readSlab(id, t, name, start, count, dst)
}

func (f *File) readSlab(id, t C.hid_t, name string, start, count []uint64, dst []byte) error {
	if err := f.here(id); err != nil {
		return fault.New(fault.Unsupported, "h5c: read %s: %w", name, err)
	}
	file := C.H5Dget_space(id)
	if file < 0 {
		return f.fail("h5c: read %s", name)
	}
	defer C.H5Sclose(file)
	if !fits(count, uint64(C.H5Tget_size(t)), len(dst)) {
		return fault.New(fault.Invalid, "h5c: read %s: %v elements are not %d bytes", name, count, len(dst))
	}
	if len(dst) == 0 {
		return nil
	}
	memory, err := f.selectSlab(file, name, start, count)
	if err != nil {
		return err
	}
	defer C.H5Sclose(memory)
	clear(dst) // libhdf5 leaves what was never written and is never to be filled
	if C.H5Dread(id, t, memory, file, C.H5P_DEFAULT, unsafe.Pointer(&dst[0])) < 0 {
		return f.fail("h5c: read %s", name)
	}
	return nil
}

// selectSlab selects in the file's space and makes the space in memory.
func (f *File) selectSlab(file C.hid_t, name string, start, count []uint64) (C.hid_t, error) {
	_, shape, _, err := f.extent(file)
	if err != nil {
		return -1, fault.New(fault.DataLoss, "h5c: read %s: %w", name, err)
	}
	if len(start) != len(shape) || len(count) != len(shape) {
		return -1, fault.New(fault.Invalid, "h5c: read %s: %d axes asked of %d", name, len(count), len(shape))
	}
	var from, n [maxRank]C.hsize_t
	for i := range shape {
		if start[i] > shape[i] || count[i] > shape[i]-start[i] {
			return -1, fault.New(fault.Invalid, "h5c: read %s: axis %d has %d elements", name, i, shape[i])
		}
		from[i], n[i] = C.hsize_t(start[i]), C.hsize_t(count[i])
	}
	memory := C.H5Screate_simple(C.int(len(shape)), &n[0], nil)
	if memory < 0 {
		return -1, f.fail("h5c: read %s", name)
	}
	if len(shape) > 0 && C.H5Sselect_hyperslab(file, C.H5S_SELECT_SET, &from[0], nil, &n[0], nil) < 0 {
		defer C.H5Sclose(memory)
		return -1, f.fail("h5c: read %s", name)
	}
	return memory, nil
}

// fits says whether count elements of a size are n bytes.
func fits(count []uint64, size uint64, n int) bool {
	for _, c := range count {
		hi, lo := bits.Mul64(size, c)
		if hi != 0 {
			return false
		}
		size = lo
	}
	return size == uint64(n)
}
