// Package fill puts elements into Arrow batches, side by side in many workers and within the budget.
//
// A Scan says which rows of a store come as which batches; Scan.Run carries it out. A Run starts groups of batches as far as its
// window and the budget go. A group is batches that share chunks, so that each chunk is decoded once; its tasks are done by the
// Engine's workers, and the one that comes last finishes the batches. A Scan with a Visitor gives the elements to that instead. A
// Reservation is the memory of a request that reads large chunks, taken in one step.
//
// A Batch, with its record, is the Run's until the next call of Next; whoever retains the record has it longer, and its bytes
// count against the budget until its last Release. Runs are used by one goroutine, Scans by several.
package fill
