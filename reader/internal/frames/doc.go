// Package frames reads several datasets as one table: data frames of pandas and AnnData, whose columns package frame finds.
//
// A Frame is opened once, with the labels and categories that its columns need, within a bound. A Plan is made of Parts, plans
// over its datasets that give the same rows in batches of the same size; a Run has them read side by side and makes one record of
// theirs. File, Dataset and Part are what it has to know of what lies below.
//
// Labels are in Go's heap. Batches are the Run's until the next call of Next; their buffers are those of the parts' or of a
// lease of their own.
package frames
