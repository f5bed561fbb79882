// Package store is how a dataset's bytes become elements, whatever its layout.
//
// A Store gives the elements of chunks: Chunked those that the file has, through its filters, Bands those of a dataset without
// chunks (contiguous, compact, external, never written, read by libhdf5), which is cut into such. What lies in a file as it is
// can be had without a copy or in part: Located, Mappable. A Scratch is what one worker reads and decodes into. Pins are the
// decoded large chunks of one request, kept until their room is needed for others.
//
// Elements are valid during the call that gives them, and read-only: they may be the cache's or a mapping of the file. Stores are
// safe for concurrent use, each call with a Scratch of its own.
package store
