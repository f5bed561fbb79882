// Package match finds the rows of which a condition is true.
//
// A Condition is a compiled where clause with the columns that it reads. A Search reads those of all rows, of the candidates that
// a column index leaves, or of the chunks that statistics do not rule out, by a scan with a Visitor; with a limit chunks behind
// enough matches are left out. Where there is room the elements of the rows found are kept meanwhile, to be read from there.
// NewSurvey gives the statistics themselves.
//
// What a Search finds is the caller's to close.
package match
