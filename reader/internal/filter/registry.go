package filter

import (
	"slices"
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
	lzoEntry, blosc2Entry, vbzEntry, bitgroomEntry, bitroundEntry,
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
	why := "this build does not decode it"
	if i >= 0 {
		why = registry[i].info.Help
	}
	return entry{}, Undecoded(spec, why)
}
