package h5c

/*
#cgo LDFLAGS: -ldl
#include "plugin.h"
*/
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"github.com/mtflight/mtflight/internal/fault"
)

// loaded are the filters whose plug-ins were found, which stay loaded. Guarded by lib.
var loaded = map[uint16]*C.H5Z_class2_t{}

// FindPlugin loads the plug-in that undoes a filter, from the folders of HDF5_PLUGIN_PATH or, where that is not set, those
// that libhdf5 was built with. Errors: fault.Unsupported, saying why there is none.
func FindPlugin(id uint16) error {
	defer enter()()
	_, err := find(id)
	return err
}

func find(id uint16) (*C.H5Z_class2_t, error) {
	if f := loaded[id]; f != nil {
		return f, nil
	}
	var told []string
	f := search(id, &told)
	switch {
	case f == nil && len(told) > 0:
		return nil, fault.New(fault.Unsupported, "there is no plug-in for it; %s", strings.ToValidUTF8(strings.Join(told, "; "), "\uFFFD"))
	case f == nil:
		return nil, fault.New(fault.Unsupported, "there is no plug-in for it")
	case f.decoder_present == 0 || f.filter == nil:
		return nil, fault.New(fault.Unsupported, "its plug-in only encodes")
	}
	loaded[id] = f
	return f, nil
}

// maxTold bounds the libraries that a reason names.
const maxTold = 3

// search looks into the libraries of all folders, and tells what stood in the way.
func search(id uint16, told *[]string) *C.H5Z_class2_t {
	tell := func(format string, args ...any) {
		if len(*told) < maxTold {
			*told = append(*told, fmt.Sprintf(format, args...))
		}
	}
	for _, dir := range folders() {
		entries, err := os.ReadDir(dir)
		if err != nil && os.Getenv(pathVariable) != "" {
			tell("a folder of %s cannot be read", pathVariable)
		}
		for _, e := range entries {
			// As libhdf5 chooses them (H5PL__find_plugin_in_path).
			if !strings.HasPrefix(e.Name(), "lib") || !strings.Contains(e.Name(), ".so") || e.IsDir() {
				continue
			}
			path := filepath.Join(dir, e.Name())
			if err := trust.refuses(path); err != nil {
				tell("%s is not loaded: %v", e.Name(), err)
				continue
			}
			f, why := load(path, id)
			if f != nil {
				return f
			}
			if why != "" {
				tell("%s cannot be loaded: %s", e.Name(), strings.ReplaceAll(why, dir+"/", ""))
			}
		}
	}
	return nil
}

const pathVariable = "HDF5_PLUGIN_PATH"

// folders are where libhdf5 looks for plug-ins, in its order.
func folders() (out []string) {
	if os.Getenv("HDF5_PLUGIN_PRELOAD") == "::" { // H5PL_NO_PLUGIN
		return nil
	}
	if list, ok := os.LookupEnv(pathVariable); ok {
		return filepath.SplitList(list)
	}
	var n, size C.uint
	if C.H5PLsize(&size) < 0 {
		return nil
	}
	for ; n < size; n++ {
		var path [4096]C.char
		if C.H5PLget(n, &path[0], C.size_t(len(path)-1)) > 0 {
			out = append(out, C.GoString(&path[0]))
		}
	}
	return out
}

// load is the filter that a library holds, nil if it is not the one looked for; why not, if it cannot be loaded at all.
func load(path string, id uint16) (f *C.H5Z_class2_t, why string) {
	c := C.CString(path)
	defer C.free(unsafe.Pointer(c))
	library := C.dlopen(c, C.RTLD_LAZY|C.RTLD_LOCAL)
	if library == nil {
		return nil, C.GoString(C.dlerror())
	}
	f = C.h5c_plugin_filter(library)
	if f == nil || f.version != C.H5Z_CLASS_T_VERS || f.id != C.H5Z_filter_t(id) {
		C.dlclose(library)
		return nil, ""
	}
	return f, ""
}

// optional is H5Z_FLAG_OPTIONAL, what files say about a filter.
const optional = 1

// Chunks are bytes as a filter left them, of Lengths one after the other in Src, and the filter's parameters, which are the
// file's client data values.
type Chunks struct {
	Filter   uint16
	Optional bool
	Params   []uint32
	Src      []byte
	Lengths  []uint64
}

// Undo has a plug-in undo its filter of chunks, in one call of C, since each costs. What they become, at most most bytes each,
// goes to dst one after the other; Lengths are then theirs, 0 of one that failed. It gives how many did. Errors, of the
// last that failed: fault.Unsupported where there is no plug-in, fault.DataLoss where it fails or gives more.
func Undo(c Chunks, dst []byte, most int) (failed int, err error) {
	defer enter()()
	found, err := find(c.Filter)
	if err != nil {
		return len(c.Lengths), err
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	f := C.h5c_filter{filter: found, flags: C.H5Z_FLAG_REVERSE, cd_nelmts: C.size_t(len(c.Params))}
	if c.Optional {
		f.flags |= optional
	}
	if len(c.Params) > 0 {
		pin.Pin(&c.Params[0])
		f.cd = (*C.uint)(&c.Params[0])
	}
	out := C.h5c_undo(&f, (*C.char)(unsafe.Pointer(unsafe.SliceData(c.Src))), (*C.uint64_t)(unsafe.SliceData(c.Lengths)), C.size_t(len(c.Lengths)),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(dst))), C.size_t(len(dst)), C.size_t(most))
	return int(out.failed), failure(out, min(most, len(dst)))
}

// failure is why the last chunk failed that did.
func failure(out C.h5c_undone, most int) error {
	switch {
	case out.failed == 0:
		return nil
	case out.nothing != 0 && out.n == 0:
		return fault.New(fault.DataLoss, "its plug-in had no memory for %d bytes", out.given)
	case out.n == 0:
		return fault.New(fault.DataLoss, "its plug-in could not decode %d bytes", out.given)
	case out.n > out.room:
		return fault.New(fault.DataLoss, "its plug-in tells of %d bytes and gives %d", out.n, out.room)
	default:
		return fault.New(fault.DataLoss, "its plug-in gives %d bytes where there can be at most %d", out.n, most)
	}
}
