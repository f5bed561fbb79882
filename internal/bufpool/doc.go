// Package bufpool is where every buffer of a read comes from: a Budget says how many bytes may be in use at once, a
// Pool keeps freed buffers by size, and a Lease ties the two together for one batch.
//
// A Lease is an arrow memory.Allocator. Its bytes are reserved before the first allocation (an allocator can't return
// an error) and go back to the budget when the last buffer taken from it has been freed and the lease is closed. All
// types are safe for concurrent use.
package bufpool
