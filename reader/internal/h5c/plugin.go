package h5c

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/mtflight/mtflight/internal/fault"
)

// Filter tells whether libhdf5 undoes a filter, by its own code or by a plug-in in the folders of HDF5_PLUGIN_PATH.
// Errors: fault.Unsupported, saying why not.
func Filter(id uint16) error {
	defer enter()()
	n := C.H5Z_filter_t(id)
	var does C.uint
	if C.H5Zfilter_avail(n) <= 0 || C.H5Zget_filter_info(n, &does) < 0 {
		return fault.New(fault.Unsupported, "h5c: libhdf5 finds no plug-in for it%s", unloadable())
	}
	if does&C.H5Z_FILTER_CONFIG_DECODE_ENABLED == 0 {
		return fault.New(fault.Unsupported, "h5c: the plug-in for filter %d only encodes", id)
	}
	return nil
}

// maxTold bounds the libraries that a reason names.
const maxTold = 3

// unloadable names what stands in the way in the plug-in folders: libhdf5 passes over it in silence.
func unloadable() string {
	var told []string
	for _, dir := range filepath.SplitList(os.Getenv("HDF5_PLUGIN_PATH")) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			told = append(told, "a folder of HDF5_PLUGIN_PATH cannot be read")
		}
		for _, e := range entries {
			// As libhdf5 chooses them (H5PL__find_plugin_in_path).
			if !strings.HasPrefix(e.Name(), "lib") || !strings.Contains(e.Name(), ".so") || len(told) >= maxTold {
				continue
			}
			if why := loads(filepath.Join(dir, e.Name())); why != "" {
				told = append(told, fmt.Sprintf("%s cannot be loaded: %s", e.Name(), strings.ReplaceAll(why, dir+"/", "")))
			}
		}
	}
	if len(told) == 0 {
		return ""
	}
	return "; " + strings.ToValidUTF8(strings.Join(told, "; "), "\uFFFD")
}

// loads tries a library as libhdf5 does; "" if it can be loaded.
func loads(path string) string {
	c := C.CString(path)
	defer C.free(unsafe.Pointer(c))
	h := C.dlopen(c, C.RTLD_LAZY)
	if h == nil {
		return C.GoString(C.dlerror())
	}
	C.dlclose(h)
	return ""
}
