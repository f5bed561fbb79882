// Package filter undoes the filter pipelines of HDF5 chunks, in Go or through the codecs' own C libraries, without
// libhdf5 and so without its lock.
//
// New checks a dataset's pipeline (Spec per filter) once; Pipeline.Decode then decodes chunk after chunk, DecodeInto to
// where its bytes shall be. A Pipeline may be shared by goroutines; a Scratch belongs to one at a time and owns the memory that a Result points into until the
// next Decode with it. The package starts no goroutine and touches no file. Every decoder takes hostile bytes: output
// never exceeds what the chunk's declared size allows, and a wrong length is an error of kind fault.DataLoss.
//
// The order, the mask and the meaning of the parameters follow libhdf5's H5Z_pipeline (src/H5Z.c) and the registered
// filters' own specifications. With cgo deflate, zstd, szip and blosc's BloscLZ run through libdeflate, libzstd, libaec
// and c-blosc, and shuffled bytes and bits are put together by C with 16-byte vectors (planes.c);
// the build tag purego, or CGO_ENABLED=0, takes Go twins that pass the same tests, and refuses szip. Supported lists what
// a build decodes.
package filter
