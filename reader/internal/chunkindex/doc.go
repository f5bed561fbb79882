// Package chunkindex says where in an HDF5 file a dataset's bytes are. It parses the messages of the dataset's object
// header and walks whichever of the six chunk indexes the layout message names, once, into a compact table.
//
// Two types matter: Object (what a dataset's header says of its storage) and Index (its chunks). Both are immutable once
// returned and safe for concurrent use; slices in an Object belong to it and are not to be changed. The bytes come from
// package h5file, which bounds what is read of a file that is not trusted. Section numbers in comments are those of "HDF5
// File Format Specification Version 3.0".
package chunkindex
