// Package collection makes one table of the datasets of one name in many files: its rows are those of the files, one after the other.
//
// Plan is the door. It looks into the files side by side (survey), makes one schema of theirs (unify) and gives a reader.Plan that is run like any
// other. A request is taken apart into pieces: rows of one file that follow each other by a step. Each is a request for that file, planned and
// run by package reader when its turn comes, so that no more than a few files are open, and none of their chunk indexes is held.
// Batches are conformed to the one schema (conform), and where the request promises blocks put together of pieces (gather).
//
// A Memory has what was seen of files for earlier requests, and the bounds of their values: those that are the same are not opened
// again (again), and those without a row for a condition are not asked (judge).
//
// Records belong to the run, as those of reader.Run do.
package collection
