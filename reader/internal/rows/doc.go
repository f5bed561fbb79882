// Package rows is the arithmetic of what was asked for: which rows and elements, in which order, in which batches. It knows no
// file.
//
// A Sequence is the rows of a result in its order: a Span (a Python slice), a List, Pieces of a Span, or an axis of a NumPy index
// (ParseSelect). Its Runs are arithmetic sequences of source places that go to consecutive places of the result. Geometry says
// how the chunks of a dataset and the elements of a result lie to each other, Blocks which Batch comes next: docs/protocol.md
// sections 2 and 3.
//
// Values are immutable unless a method says so; Blocks are used by one goroutine.
package rows
