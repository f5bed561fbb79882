// Package spill holds rows that were read before they are wanted, in memory or, where they are too many, on disk: in a
// nameless file of TMPDIR.
//
// Rows are numbers of rows as they were found or sorted, a rows.Sequence. Elements are the elements of rows in the order of a
// result, a rows.Sequence and the store.Store to read them from: appended as they come, or put at their places.
//
// Both hold memory of a budget and their file until Close. One goroutine writes them, then a run reads them.
package spill
