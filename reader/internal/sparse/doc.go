// Package sparse reads compressed sparse matrices (CSR, CSC), which are groups of three datasets: pointers, indices and values.
//
// A Matrix is what the group says of itself. A Plan says which rows of the stored major axis come as which batches; its Run reads
// the pointers of some rows, then just the indices and values between them, side by side, and makes one list of each row. Part is
// what it has to know of the datasets that hold them. Pointers, and indices, are checked before they are used: a file may say anything.
//
// Batches are the Run's until the next call of Next; their values' buffers are those that the parts were read into, only the offsets
// are a lease of their own.
package sparse
