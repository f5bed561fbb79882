package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"unsafe"

	"github.com/mtflight/mtflight/internal/spell"
)

// refName is the path of the object at an address, "" for none. libhdf5 would search the whole file for every
// reference, so the paths are collected once; what no hard link leads to is left to it.
func (f *File) refName(addr uint64) string {
	if addr == 0 || addr == ^uint64(0) {
		return ""
	}
	if f.names == nil {
		f.collect()
	}
	name, ok := f.names[addr]
	if !ok {
		name = f.askName(addr)
		f.names[addr] = name
	}
	return name
}

func (f *File) collect() {
	tree, _ := f.walk(context.Background(), true)
	f.names = make(map[uint64]string, len(tree.Groups)+len(tree.Datasets))
	for _, g := range tree.Groups {
		f.names[g.Addr] = g.Path
	}
	for _, d := range tree.Datasets {
		f.names[d.Addr] = d.Path
	}
}

func (f *File) askName(addr uint64) string {
	ref := C.hobj_ref_t(addr)
	var name [4096]C.char
	n := C.H5Rget_name(f.id, C.H5R_OBJECT, unsafe.Pointer(&ref), &name[0], C.size_t(len(name)))
	if n <= 0 || int(n) >= len(name) {
		return ""
	}
	return spell.Escape(C.GoStringN(&name[0], C.int(n)))
}
