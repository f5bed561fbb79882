// Package h5c asks libhdf5 what a file is: the only importer of gonum.org/v1/hdf5 and of the C library. It turns a file
// into the plain values of package meta and reads hyperslabs that no other way can read. libhdf5 loads no plug-in for that:
// FindPlugin and Undo do, for a chunk's bytes and no file.
//
// Use a File for one file. Everything it returns is the caller's own memory; no C memory outlives a call. libhdf5 keeps
// global state, so all calls of the process go one at a time; a hostile file may crash or stall the library, which is
// why servers run this package in helper processes (h5proc). libhdf5 is lent a file's descriptor and knows no name: it opens
// nothing, no other file on behalf of a link, a virtual source or external raw data either. Names are raw bytes, as in the file.
package h5c

/*
#cgo pkg-config: hdf5
#cgo CFLAGS: -DH5_USE_110_API
#include "lent.h"
#include "shim.h"
*/
import "C"

import (
	"os"
	"runtime"
	"strings"
	"sync"

	"gonum.org/v1/hdf5"

	"github.com/mtflight/mtflight/internal/fault"
)

// lib serialises every use of libhdf5.
var lib sync.Mutex

// enter begins a use of the library and returns what ends it. Where libhdf5 was built thread-safe, the error stack and
// the switch that keeps it from printing belong to the thread.
func enter() (leave func()) {
	lib.Lock()
	runtime.LockOSThread()
	C.H5Eset_auto2(C.H5E_DEFAULT, nil, nil)
	C.H5PLset_loading_state(0) // whoever reads files loads no plug-in
	return func() {
		runtime.UnlockOSThread()
		lib.Unlock()
	}
}

// swmrRead is H5F_ACC_SWMR_READ, which gonum does not name.
const swmrRead = 0x0040

// File is an open HDF5 file, read only. Its methods may be called from several goroutines and run one at a time.
type File struct {
	file  *hdf5.File
	id    C.hid_t
	lapl  C.hid_t
	names map[uint64]string // object address -> first path; nil until asked for
}

// Open opens the HDF5 file that disk is, read-only and without locks, also one that is being written in SWMR mode. disk
// stays the caller's; its descriptor is duplicated. Errors: fault.DataLoss.
func Open(disk *os.File) (*File, error) {
	defer enter()()
	f := &File{}
	if C.h5c_lend(C.int(disk.Fd())) < 0 {
		return nil, f.fail("h5c: open")
	}
	defer runtime.KeepAlive(disk)
	defer C.h5c_take_back()
	var err error
	if f.file, err = hdf5.OpenFile(anyName, hdf5.F_ACC_RDONLY); err != nil {
		cause := f.fail("h5c: open")
		// Only then: as a SWMR reader libhdf5 retries for a minute what is simply broken.
		if !strings.Contains(cause.Error(), "already open for") {
			return nil, cause
		}
		if f.file, err = hdf5.OpenFile(anyName, hdf5.F_ACC_RDONLY|swmrRead); err != nil {
			return nil, cause
		}
	}
	f.id = C.hid_t(f.file.ID())
	if f.lapl = C.h5c_no_external(); f.lapl < 0 {
		defer f.file.Close()
		return nil, f.fail("h5c: open")
	}
	return f, nil
}

// anyName is what libhdf5 calls every file.
const anyName = "the file"

// openFiles counts those that libhdf5 has open: one stays so while an object of it does.
func openFiles() int {
	defer enter()()
	return int(C.h5c_open_files())
}

// Close closes the file, not its disk.
func (f *File) Close() error {
	defer enter()()
	C.H5Pclose(f.lapl)
	if err := f.file.Close(); err != nil {
		return f.fail("h5c: close")
	}
	return nil
}

// fail makes a DataLoss of libhdf5's innermost complaint; to be called before any other call of the library.
func (f *File) fail(format string, args ...any) error {
	return fault.New(fault.DataLoss, format+": %s", append(args, f.cause())...)
}

func (f *File) cause() string {
	s := C.GoString(C.h5c_error())
	if s == "" {
		s = "libhdf5 gives no reason"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// addrSize is the number of bytes of an address in the file ("size of offsets", specification II.A).
func (f *File) addrSize() int {
	list := C.h5c_file_create_list(f.id)
	if list < 0 {
		return 8
	}
	defer C.H5Pclose(list)
	var addr, length C.size_t
	if C.H5Pget_sizes(list, &addr, &length) < 0 {
		return 8
	}
	return int(addr)
}
