// Package ptindex understands the column indexes of PyTables (Table.Cols.column.create_index): what their arrays
// mean and how to search them. It reads nothing itself: an Arrays does.
//
// An index keeps the values of a column in slices, each sorted by itself, and beside each value the row it came from.
// Shape describes one index; New makes an Index of a Shape, its first- and second-level bounds and its Arrays. A full
// index stores rows; the lighter kinds (medium, light, ultralight) store buckets of rows, and only every n-th value
// (the reduction), so that what Rows gives for them is a superset: every row has to be checked again.
//
// The layout is that of PyTables' tables/index.py, object version 2.0 and 2.1: a group _i_TABLE/COLUMN with sorted and
// indices (one row per whole slice), sortedLR and indicesLR (the last, unfinished slice, "last row"), ranges (first and
// last value of each slice) and bounds (first value of each chunk of a slice but the first).
//
// Values are immutable; an Index may be used by several goroutines if its Arrays may. Slices returned are the caller's.
package ptindex
