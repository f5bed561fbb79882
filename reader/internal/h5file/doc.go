// Package h5file reads the structures that everything in an HDF5 file is made of: superblock, object headers with their
// messages, shared messages, local and fractal heaps, version 2 B-trees, the metadata cache image.
//
// File is an open file's superblock; Source reads metadata through one window; Header is an object's messages. A File and
// a Header are immutable and safe for concurrent use, a Source belongs to one call. Bytes that a Source returns are valid
// until its next read, those of a Header belong to it. Nothing here opens a file or starts a goroutine: bytes come through
// an io.ReaderAt that the caller keeps open, so a file need not lie on a local disk.
//
// The file is not trusted. No read goes past the size given to Open, no allocation exceeds a small multiple of the file's
// size, and a walk that reads more bytes than its source may stops with fault.DataLoss. Section numbers in comments are
// those of "HDF5 File Format Specification Version 3.0".
package h5file
