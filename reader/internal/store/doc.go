// Package store is how a dataset's bytes become elements, whatever its layout.
//
// A Store gives the elements of chunks: that of NewChunked those that the file has, through its filters, that of NewBands those of
// a dataset without chunks, which is cut into such and read from a Source (contiguous, compact, external, never written, read by
// libhdf5). What lies in a file verbatim can be had without a copy or in part: Located, Mappable. A Scratch is what one worker reads
// and decodes into. Pins are the decoded large chunks of one request, pinned until their room is needed for others.
//
// Elements are valid during the call that gives them, and read-only: they may be the cache's or a mapping of the file. Stores are
// safe for concurrent use, each call with a Scratch of its own.
package store
