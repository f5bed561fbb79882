// Package meta is what a file holds beside its data, as plain values: filled by package objects, or by h5c in a helper
// process where libhdf5 is asked, and read by reader. Values own their memory and are immutable once returned.
//
// Names and paths of objects and attributes are spelled (package spell). Files that a file names are its bytes, but for those of
// a Link, which is only shown.
package meta

import "github.com/mtflight/mtflight/reader/internal/chunkindex"

// File is a file's tree: every object once, found by hard links from the root, in the order of the walk; its further hard links are
// Links.
type File struct {
	Groups   []Group
	Datasets []Dataset
	Links    []Link
}

// Group is a group, or (Named) a committed datatype.
type Group struct {
	Path    string
	Addr    uint64
	Attrs   Attrs
	Comment string
	Order   int64 // as of Link
	Named   bool
	Type    []byte // Named: the datatype message
	Err     string // why its members could not be listed
	Witness string // why libhdf5 was asked about it; "" if it was not
}

// Link is a link that is not hard, or a hard one to an object that is listed by another.
type Link struct {
	Path   string
	Kind   string // "hard", "soft", "external", "user"
	File   string // external: the file as the link names it
	Target string // hard: the path by which the object is listed
	Order  int64  // its place, from 1, among the links of its group as they were made; 0 where the file does not keep that
}

// Space says what a dataspace is.
type Space uint8

// The dataspaces.
const (
	Simple Space = iota
	Scalar
	Null
)

// Layout is the storage layout, with H5D_layout_t's numbers.
type Layout uint8

// The layouts.
const (
	Compact    Layout = 0
	Contiguous Layout = 1
	Chunked    Layout = 2
	Virtual    Layout = 3
)

// Unlimited is the maximum extent of an axis without one (H5S_UNLIMITED).
const Unlimited = ^uint64(0)

// Dataset is what is known of a dataset without reading its elements.
type Dataset struct {
	Path  string
	Addr  uint64 // of the object header, relative to the file's base address (H5Oget_info)
	Order int64  // as of Link, in a tree

	// OtherFile is the file that holds the dataset when an external link led there, relative to the folder of the
	// file asked; else "".
	OtherFile string

	Type   []byte // the datatype message (H5Tencode without its two leading bytes): h5type.Parse
	Space  Space
	Shape  []uint64 // Simple; else empty
	Max    []uint64
	Layout Layout
	Chunk  []uint64 // Chunked; one extent per axis, elements

	Filters []Filter // in the order of the pipeline: the last is undone first

	External []External
	Storage  uint64 // bytes stored
	Attrs    Attrs
	Comment  string

	Err     string // why the rest could not be learned; Path and Addr are then all there is
	Witness string // why libhdf5 was asked about it; "" if it was not

	// Object is what the dataset's header says of its storage; nil where that was refused, with Cause as the reason.
	Object *chunkindex.Object
	Cause  error
}

// Filter is one filter of a pipeline.
type Filter struct {
	ID       uint16
	Optional bool
	Name     string
	Params   []uint32 // cd_values
}

// External is a piece of an external raw file; Size Unlimited: to its end.
type External struct {
	File   string
	Offset uint64
	Size   uint64
}
