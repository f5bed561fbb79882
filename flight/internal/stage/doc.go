// Package stage puts record batches into shared memory, where clients on the same host map them (docs/stage.md).
//
// A Store is a server's directory on a memory file system, with a limit and a budget for what lies in it. It makes Files
// (a whole result as an Arrow IPC file) and Rings (batch after batch in slots that the client hands back). A Ring is a
// reader.Placement: the engine's workers decode right into the mapped slots, and writing a record is writing where its
// buffers lie; only what lies elsewhere (variable-length data, dictionaries) is copied. A File is written by copying,
// since mapping pages that are used once costs more than that.
//
// A File or Ring is used by one goroutine, but for Ring.Free. A Ring must outlive the run that is placed in
// it: Close it after Run.Release. A Store may be used by several goroutines; what it hands out counts in the Budget until closed.
package stage
