// Package stage puts record batches into shared memory, where clients on the same host map them (docs/stage.md).
//
// A Store is a server's directory on a memory file system, with a limit and a budget for what lies in it. It makes Files
// (a whole result as an Arrow IPC file) and Rings (batch after batch in slots that the client hands back). Both are a
// reader.Placement: the engine's workers decode right into the mapped file, and writing a record is writing what lies
// around its buffers; only what lies elsewhere (variable-length data, dictionaries) is copied.
//
// New memory is dear: the kernel has to clear it, and to map it page by page here and at the client. So it is asked for in
// huge pages, and a large File whose lease has ended waits, without the name that clients know, for the next one. It is
// used again only when the kernel says that no process has it open or mapped, and given up when anybody needs memory.
//
// Memory is allocated before it is touched, since a fault on a full file system would kill the process. A file that is cut
// off under a mapping would, too; that could be done only by processes of the server's own user, which might kill it anyway.
//
// A File or Ring is used by one goroutine, but for Ring.Free. It must outlive the run that is placed in it: Finish a File,
// and Close either, after Run.Release. A Store may be used by several goroutines; what it hands out counts in the Budget
// until closed, and what waits for its next use until given up.
package stage
