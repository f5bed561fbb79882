// Package convert turns bytes of a known HDF5 type into Arrow record batches.
//
// A Source says what a row is made of, Compile makes a Program of a projection of it, Program.NewBatch allocates a
// Batch. Any number of goroutines Put or Gather elements at disjoint positions of a Batch; then one calls Record.
//
// Buffers come from the allocator given to NewBatch and belong to the Batch until Record, which moves them into the
// record without a copy; the record's last Release gives them back, or Batch.Release where there is no record.
// Nothing of the bytes put in is kept.
//
// The package does no I/O, starts no goroutine and may be fed hostile bytes. What HDF5 type becomes what Arrow type is
// the wire contract's section 4; values are converted as libhdf5 converts them to its native types. Buffers are
// written little-endian, as Arrow's IPC format has them by default.
package convert
