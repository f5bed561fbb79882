// Package columns tells which datasets make one table of columns: those of one length below a group, or those that a request names.
//
// In finds them in a file's Tree, Named takes them from a list, Groups are those that listings have. All give frame.Frame of the
// Format "columns", which package frames opens and reads like a data frame. Below a group the longest datasets are the columns;
// at least two have to be of that length. What vaex wrote is known by its attributes.
//
// The package does no I/O and may be fed hostile trees: it goes through each path once.
package columns
