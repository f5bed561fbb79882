// Package index finds and reads the indexes that PyTables keeps of a table's columns (PyTables User's Guide, "Indexing").
//
// Columns are the indexes of a Table; Columns.Index gives that of a column, or why there is none to be used. The rows that an Index gives
// are candidates, which whoever asks checks again. ClassOf and AppendKeys say how values are ordered, for indexes and for sorting.
//
// Bounds of an index stay in memory, up to 32 MiB; keys are the caller's. Safe for concurrent use.
package index
