package filter

import (
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// Info describes a filter that this build decodes, or names what it would take.
type Info struct {
	ID     uint16 // registered with The HDF Group
	Name   string
	Params string // the client data values
	Code   string // whose code decodes it in this build; empty if none does
	Help   string // what would make it readable, if Code is empty
}

// entry is a filter of the registry.
type entry struct {
	info  Info
	open  func(params []uint32, elemSize int) (decoder, error)
	fixed bool // the encoded size is the decoded size plus grows
	grows int
}

// registry lists the filters in the order of their importance to readers of docs/support.md.
var registry = []entry{
	deflateEntry, shuffleEntry, fletcher32Entry,
	bloscEntry, lzfEntry, lz4Entry, zstdEntry, bzip2Entry, bitshuffleEntry, szipEntry, nbitEntry, scaleoffsetEntry,
	lzoEntry, blosc2Entry, bitgroomEntry, bitroundEntry,
}

// Supported lists the filters that the package knows, in a fixed order.
func Supported() []Info {
	list := make([]Info, len(registry))
	for i, e := range registry {
		list[i] = e.info
	}
	return list
}

func find(spec Spec) (entry, error) {
	i := slices.IndexFunc(registry, func(e entry) bool { return e.info.ID == spec.ID })
	if i >= 0 && registry[i].info.Code != "" {
		return registry[i], nil
	}
	name, help := spec.Name, foreign[spec.ID]
	if i >= 0 {
		name, help = registry[i].info.Name, registry[i].info.Help
	}
	if help == "" {
		help = "libhdf5 would need its plug-in in HDF5_PLUGIN_PATH"
	}
	return entry{}, fault.New(fault.Unsupported, "filter: open filter %d (%q): not decoded by this build; %s", spec.ID, name, help)
}

// foreign says which plug-in decodes a registered filter that this package doesn't
// (https://github.com/HDFGroup/hdf5_plugins, docs/RegisteredFilterPlugins.md).
var foreign = map[uint16]string{
	257:   "it is a test filter of libhdf5 itself",
	32002: "MAFISC's plug-in reads it",
	32010: "FLAC's plug-in reads it",
	32011: "APAX's plug-in reads it",
	32012: "CBF's plug-in reads it",
	32013: "the ZFP plug-in (H5Z-ZFP, libh5zfp, also in hdf5plugin) reads it",
	32014: "the fpzip plug-in reads it",
	32016: "the fpzip plug-in reads it",
	32017: "the SZ plug-in (libh5sz, also in hdf5plugin) reads it",
	32018: "the FCIDECOMP plug-in (libh5fcidecomp, also in hdf5plugin) reads it",
	32019: "the JPEG plug-in reads it",
	32020: "the VBZ plug-in of Oxford Nanopore reads it",
	32021: "the FAPEC plug-in reads it",
	32024: "the SZ3 plug-in (libh5sz3, also in hdf5plugin) reads it",
	32025: "the Delta-Rice plug-in reads it",
	32028: "the SPERR plug-in (libh5sperr, also in hdf5plugin) reads it",
	32029: "the LERC plug-in reads it",
	32030: "the FFMPEG plug-in reads it",
	32031: "the HTJ2K plug-in (libh5htj2k, also in hdf5plugin) reads it",
}
