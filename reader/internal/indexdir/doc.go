// Package indexdir keeps in a directory what was learned of HDF5 files: their chunk indexes, and statistics of their chunks.
//
// A Keeper has the statistics of many files in memory and, if it has a Dir, both on disk; a File is its part about one file in one state.
// A Dir holds a file for each HDF5 file and Kind: sections that are found by a table at its end, each with a checksum and read when
// it is needed. Nothing in it is believed of another state of the HDF5 file (Key), nor beyond what the file itself could say: what
// comes out is checked as what is read of HDF5 files is. Several programs may share a directory: a file is replaced as a whole, with
// what others have put in meanwhile.
package indexdir
