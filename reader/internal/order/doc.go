// Package order gives rows in another order than the file's.
//
// An Ordering is the rows of a column's order: by a completely sorted index of PyTables where there is one, else by sorting keys
// with their rows, in memory or in runs on disk that are merged. Listed is for rows in the order of a list. Elements that lie
// scattered are then read once in the order of the file and put in their places.
//
// Both are scans in the end, whose runs close the rows and elements that they read.
package order
