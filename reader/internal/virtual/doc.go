// Package virtual reads virtual datasets (H5D_VIRTUAL) from the datasets that their mappings name.
//
// A Store puts chunks together of those of its sources' own stores, with their types converted as libhdf5 does; its chunks are
// cut so that few of the sources' are decoded twice. A Dataset is what it has to know of a virtual dataset and of a source;
// Dataset.Grow finds extents that the sources decide about. Heap pointers of variable-length data are marked with the number of
// the file that they are of, which Store.Resolver undoes.
//
// Memory is that of package store.
package virtual
