// Package arrowtest compares Arrow data in tests.
package arrowtest

import (
	"bytes"

	"github.com/apache/arrow/go/v15/arrow"
)

// Same tells whether two records have the same rows in the same buffers, byte for byte, so that NaNs are equal to
// themselves. It takes nothing over.
func Same(a, b arrow.Record) bool {
	if a.NumRows() != b.NumRows() || a.NumCols() != b.NumCols() {
		return false
	}
	for i := range int(a.NumCols()) {
		if !sameData(a.Column(i).Data(), b.Column(i).Data()) {
			return false
		}
	}
	return true
}

func sameData(a, b arrow.ArrayData) bool {
	if a.Len() != b.Len() || len(a.Buffers()) != len(b.Buffers()) || len(a.Children()) != len(b.Children()) {
		return false
	}
	for i, x := range a.Buffers() {
		y := b.Buffers()[i]
		if (x == nil) != (y == nil) || x != nil && !bytes.Equal(x.Bytes(), y.Bytes()) {
			return false
		}
	}
	for i, c := range a.Children() {
		if !sameData(c, b.Children()[i]) {
			return false
		}
	}
	return true
}
