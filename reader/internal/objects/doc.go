// Package objects reads what an HDF5 file holds beside its data: groups with their links, committed types, attributes,
// comments, and which object a path leads to.
//
// File is the one type to know. It answers with the plain values of package meta, which are the caller's own, and is safe
// for concurrent use. It opens no file and starts no goroutine: bytes come from a h5file.File, variable-length values from
// its global heap. What cannot be read is said in the place where it would be (meta's Err), never left out. Section numbers
// in comments are those of "HDF5 File Format Specification Version 3.0".
package objects
