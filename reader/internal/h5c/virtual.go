package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

const maxSources = 100_000

func (f *File) sources(list C.hid_t, d *meta.Dataset) error {
	var n C.size_t
	if C.H5Pget_virtual_count(list, &n) < 0 {
		return f.because("virtual mappings")
	}
	if n > maxSources {
		return fmt.Errorf("%d virtual mappings, more than %d", uint64(n), maxSources)
	}
	for i := C.size_t(0); i < n; i++ {
		s, err := f.source(list, i)
		if err != nil {
			return err
		}
		d.Sources = append(d.Sources, s)
	}
	return nil
}

func (f *File) source(list C.hid_t, i C.size_t) (meta.Source, error) {
	var file, dataset [4097]C.char // the last stays NUL
	room := C.size_t(len(file) - 1)
	if C.H5Pget_virtual_filename(list, i, &file[0], room) < 0 || C.H5Pget_virtual_dsetname(list, i, &dataset[0], room) < 0 {
		return meta.Source{}, f.because("virtual mapping")
	}
	out := meta.Source{File: C.GoString(&file[0]), Dataset: C.GoString(&dataset[0])}
	dst, src := C.H5Pget_virtual_vspace(list, i), C.H5Pget_virtual_srcspace(list, i)
	if dst < 0 || src < 0 {
		return out, f.because("virtual mapping")
	}
	defer C.H5Sclose(dst)
	defer C.H5Sclose(src)
	var d, s bool
	out.Dst, d = slab(dst)
	out.Src, s = slab(src)
	out.Regular = d && s
	return out, nil
}

// slab is a selection as one regular hyperslab, or false.
func slab(space C.hid_t) (meta.Slab, bool) {
	switch C.H5Sget_select_type(space) {
	case C.H5S_SEL_ALL:
		return meta.Slab{All: true}, true
	case C.H5S_SEL_HYPERSLABS:
		if C.H5Sis_regular_hyperslab(space) <= 0 {
			return meta.Slab{}, false
		}
	default:
		return meta.Slab{}, false
	}
	rank := C.H5Sget_simple_extent_ndims(space)
	var start, stride, count, block [maxRank]C.hsize_t
	if rank < 1 || rank > maxRank ||
		C.H5Sget_regular_hyperslab(space, &start[0], &stride[0], &count[0], &block[0]) < 0 {
		return meta.Slab{}, false
	}
	return meta.Slab{Start: extents(start[:rank]), Stride: extents(stride[:rank]), Count: extents(count[:rank]),
		Block: extents(block[:rank])}, true
}
