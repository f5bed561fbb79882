// Package h5proc runs h5c in helper processes: libhdf5 and its plug-ins may crash, stall or exhaust memory on a hostile file
// without harm to anyone else.
//
// A helper is this same program started again, which serves instead of reaching its main. It has one of two roles to its end. Those of a
// Pool, the witnesses, have libhdf5 look at one file, of which they get a read-only descriptor and no name; they open no file and load
// no plug-in. Those of Filters load plug-ins, get bytes, and open no file else. Requests go over two pipes and memory that both
// map, one at a time. A witness ends with its call, filter helpers are kept. A helper
// that dies or exceeds its time is replaced; a file on which helpers of a role die twice is refused by it until it
// changes. InProcess has the same methods without the processes. Returned values are the caller's own. All methods may
// be called from several goroutines.
package h5proc
