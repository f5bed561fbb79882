package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

const maxSources = 100_000

var errElsewhere = errors.New("its elements lie in other files")

// here refuses a dataset whose elements lie in external raw files or virtual sources.
func (f *File) here(id C.hid_t) error {
	list := C.H5Dget_create_plist(id)
	if list < 0 {
		return f.because("creation properties")
	}
	defer C.H5Pclose(list)
	var d meta.Dataset
	if err := f.layout(list, &d); err != nil {
		return err
	}
	if d.Layout == meta.Virtual || C.H5Pget_external_count(list) != 0 {
		return errElsewhere
	}
	return nil
}

// fixed refuses a virtual dataset whose extent its sources decide about.
func (f *File) fixed(id C.hid_t) error {
	list := C.H5Dget_create_plist(id)
	if list < 0 {
		return f.because("creation properties")
	}
	defer C.H5Pclose(list)
	var n C.size_t
	if C.H5Pget_virtual_count(list, &n) < 0 {
		return f.because("virtual mappings")
	}
	if n > maxSources {
		return fmt.Errorf("%d virtual mappings, more than %d", uint64(n), maxSources)
	}
	for i := C.size_t(0); i < n; i++ {
		grows := C.h5c_mapping_grows(list, i)
		if grows < 0 {
			return f.because("virtual mapping")
		}
		if grows > 0 {
			return errors.New("its sources decide about its extent, and lie in other files")
		}
	}
	return nil
}
