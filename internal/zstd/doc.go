// Package zstd writes frames of Zstandard, as fast as they come: by libzstd, in builds without cgo by klauspost/compress. Frame, the one function,
// is safe for concurrent use; what a compressor takes beside source and frame is its own, up to WorkBytes, and used again.
package zstd

const (
	level = 1

	// WorkBytes is about what one call takes beside source and frame.
	WorkBytes = 2 << 20
)
