package blockio

import "sync/atomic"

// Tally counts what is read of files and made of it, over all files that share it. The zero value is ready. Safe for concurrent use.
type Tally struct {
	Reads  atomic.Int64 // system calls
	Read   atomic.Int64 // bytes that they gave
	Mapped atomic.Int64 // bytes taken from memory that the files are mapped to

	Chunks  atomic.Int64 // decoded
	Decoded atomic.Int64 // bytes of them as they were before the filters
}

// CountIn has the file count in a tally that others share. It is for the time before the first read.
func (f *File) CountIn(t *Tally) { f.tally = t }

// Decoded counts a chunk of the file that was decoded to n bytes.
func (f *File) Decoded(n int64) {
	f.tally.Chunks.Add(1)
	f.tally.Decoded.Add(n)
}
