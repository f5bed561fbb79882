// Package arrowtest compares Arrow data in tests.
package arrowtest

import (
	"bytes"

	"github.com/apache/arrow/go/v15/arrow"
)

// Same tells whether two records have the same rows in the same buffers, byte for byte, but for bits behind the last row: NaNs are equal to
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
		if (x == nil) != (y == nil) || x != nil && !sameBytes(x.Bytes(), y.Bytes(), a.Len(), i == 0 || a.DataType().ID() == arrow.BOOL) {
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

// sameBytes compares buffers; of bits those behind the last row mean nothing.
func sameBytes(a, b []byte, rows int, bits bool) bool {
	if last := rows % 8; bits && last > 0 && len(a) == (rows+7)/8 && len(a) == len(b) {
		n := len(a) - 1
		return bytes.Equal(a[:n], b[:n]) && (a[n]^b[n])<<(8-last) == 0
	}
	return bytes.Equal(a, b)
}
