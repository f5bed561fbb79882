// Package h5proc runs h5c in helper processes: libhdf5 may crash, stall or exhaust memory on a hostile file without
// harm to anyone else.
//
// A helper is this same program started again, which serves instead of reaching its main. A Pool keeps a few helpers, each serving
// one request at a time over two pipes and memory that both map. A helper that dies or exceeds its time is replaced; a
// file on which helpers die twice is refused until it changes. InProcess has the same methods without the processes.
// Returned values are the caller's own. All methods may be called from several goroutines.
package h5proc
