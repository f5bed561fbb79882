// Package frame finds data frames in a file's tree: groups in which pandas or AnnData keep a table in several datasets.
//
// Open says what the columns of a Frame are made of, from attributes and a few small datasets that it asks for; a
// Column's Type and Make turn the raw nodes' Arrow columns into the frame's. Metadata tells pandas what the index is.
// What cannot be served (pickled objects) is a Column with a Reason.
//
// Attributes and texts that pandas pickles are read by a parser that builds lists, texts and numbers and never calls
// anything: what a pickle wants called is kept as an Opaque value.
//
// The package does no I/O, starts no goroutine and may be fed hostile attributes. Arrays given to Make stay the
// caller's; what it returns is the caller's to release and may share buffers with them.
package frame
