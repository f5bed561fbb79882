package filter

import (
	"fmt"
	"strconv"

	"github.com/mtflight/mtflight/internal/fault"
)

// Name is what a filter is called in listings and schema metadata: its own name where the package knows the filter,
// else its number.
func Name(id uint16) string {
	for _, e := range registry {
		if e.info.ID == id {
			return e.info.Name
		}
	}
	if id == zfp {
		return foreign[id].name
	}
	return strconv.Itoa(int(id))
}

// BuiltIn is the last of the filters that libhdf5 itself has (H5Zpublic.h: deflate to scaleoffset, 1 to 6).
const BuiltIn = 6

// Decodes says whether this build decodes a filter; a chunk may still need a variant of it that isn't decoded.
func Decodes(id uint16) bool {
	for _, e := range registry {
		if e.info.ID == id {
			return e.info.Code != ""
		}
	}
	return false
}

// Title names a filter in messages: number, registered name, and what the file calls it where that says more.
func Title(spec Spec) string {
	name := Name(spec.ID)
	if f, ok := foreign[spec.ID]; ok {
		name = f.name
	}
	switch {
	case name == strconv.Itoa(int(spec.ID)) && spec.Name == "":
		return fmt.Sprintf("filter %d (not registered)", spec.ID)
	case name == strconv.Itoa(int(spec.ID)):
		return fmt.Sprintf("filter %d (%q)", spec.ID, spec.Name)
	case spec.Name == "" || spec.Name == name:
		return fmt.Sprintf("filter %d (%s)", spec.ID, name)
	}
	return fmt.Sprintf("filter %d (%s, %q)", spec.ID, name, spec.Name)
}

// Undecoded is the error, of kind fault.Unsupported, for a filter that nobody here undoes.
func Undecoded(spec Spec, why string) error {
	plugin := "its plug-in"
	if f, ok := foreign[spec.ID]; ok && f.plugin != "" {
		plugin += " (" + f.plugin + ")"
	} else if inPyPI[spec.ID] {
		plugin += " (e.g. of PyPI's hdf5plugin)"
	}
	return fault.New(fault.Unsupported, "filter: open %s: %s; set HDF5_PLUGIN_PATH to a directory that holds %s", Title(spec), why, plugin)
}

// inPyPI are the filters decoded here whose plug-in the PyPI package hdf5plugin has too.
var inPyPI = map[uint16]bool{307: true, 32001: true, 32004: true, 32008: true, 32015: true, 32026: true}

const zfp = 32013

// foreign are registered filters that this package doesn't decode, with the library that is their plug-in
// (https://github.com/HDFGroup/hdf5_plugins, docs/RegisteredFilterPlugins.md; 32033 as hdf5plugin has it).
var foreign = map[uint16]struct{ name, plugin string }{
	32002: {"mafisc", ""},
	32003: {"snappy", ""},
	32005: {"apax", ""},
	32006: {"cbf", ""},
	32007: {"jpeg-xr", ""},
	32009: {"spdp", ""},
	32010: {"lpc-rice", ""},
	32011: {"ccsds-123", ""},
	32012: {"jpeg-ls", ""},
	zfp:   {"zfp", "H5Z-ZFP, libh5zfp, e.g. of PyPI's hdf5plugin"},
	32014: {"fpzip", ""},
	32016: {"b3d", ""},
	32017: {"sz", "libh5sz, e.g. of PyPI's hdf5plugin"},
	32018: {"fcidecomp", "libh5fcidecomp, e.g. of PyPI's hdf5plugin"},
	32019: {"jpeg", ""},
	32021: {"fapec", ""},
	32024: {"sz3", "libh5sz3, e.g. of PyPI's hdf5plugin"},
	32025: {"delta-rice", ""},
	32027: {"flac", ""},
	32028: {"sperr", "H5Z-SPERR, libh5sperr, e.g. of PyPI's hdf5plugin"},
	32029: {"terse/prolix", ""},
	32030: {"ffmpeg", ""},
	32033: {"htj2k", "libh5htj2k, e.g. of PyPI's hdf5plugin"},
}
