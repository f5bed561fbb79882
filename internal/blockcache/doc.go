// Package blockcache keeps blocks of bytes that came over a network in a file of a fixed size, which several programs may use at once.
//
// A Cache is that file: a table of entries, then a place for the block of each. A Key, a digest of what a block is of, chooses the
// set of sixteen entries that it may be in; the one of them that was used longest ago gives way. So the file never grows, and nothing
// has to be swept.
//
// Nothing in the file is believed: an entry and its block have checksums (XXH3, of the block 128 bits), and a block that does not agree
// is not there. So readers take no lock, a program may be killed while it writes, and a disk may lose what was written last. Who writes
// locks the set, since two blocks written into one place at once are lost both.
//
// All methods are safe for concurrent use; memory that is passed in is the caller's. A nil Cache keeps nothing.
package blockcache
