// Package chunkindex says where in an HDF5 file a dataset's bytes are. It parses the object header at an address that
// libhdf5 gave (H5Oget_info) and walks whichever of the six chunk indexes the layout message names, once, into a
// compact table.
//
// Three types matter: File (superblock), Object (one dataset's header) and Index (its chunks). All three are immutable
// once returned and safe for concurrent use; slices in an Object belong to it and are not to be changed. Nothing here
// opens a file or starts a goroutine: bytes come through an io.ReaderAt that the caller keeps open.
//
// The file is not trusted. No read goes past the size given to Open, no allocation exceeds a small multiple of the file's
// size, and a walk that reads more bytes than the file has stops with fault.DataLoss. Section numbers in comments are
// those of "HDF5 File Format Specification Version 3.0".
package chunkindex
