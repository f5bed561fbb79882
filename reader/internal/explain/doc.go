// Package explain tells how a read will be carried out, without reading a row: which chunks it touches, whether an index or
// statistics spare some, in which order rows come.
package explain
