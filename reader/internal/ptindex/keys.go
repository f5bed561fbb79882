package ptindex

import (
	"bytes"
	"math"
)

// Class is how the values of a column are ordered.
type Class uint8

// The classes. Truth values and times in seconds are Int.
const (
	Int Class = iota
	Uint
	Float32 // also of 16 bits
	Float64
	Bytes
)

// Keys are values in a form whose order is theirs: numbers as unsigned integers (OfInt and the others), else byte
// strings. One of the two is nil.
type Keys struct {
	Num []uint64
	Str [][]byte
}

// Len is the number of keys.
func (k Keys) Len() int { return len(k.Num) + len(k.Str) }

// Slice is keys lo to hi.
func (k Keys) Slice(lo, hi int) Keys {
	if k.Str != nil {
		return Keys{Str: k.Str[lo:hi]}
	}
	return Keys{Num: k.Num[lo:hi]}
}

// compare compares key i with key j of another. Byte strings count up to their first NUL, as where PyTables sorts them
// (strncmp): those that differ behind it are equal, and in any order.
func (k Keys) compare(i int, other Keys, j int) int {
	if k.Str != nil {
		return bytes.Compare(ended(k.Str[i]), ended(other.Str[j]))
	}
	switch a, b := k.Num[i], other.Num[j]; {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func ended(s []byte) []byte {
	s, _, _ = bytes.Cut(s, []byte{0})
	return s
}

// OfInt is the key of a signed integer.
func OfInt(v int64) uint64 { return uint64(v) ^ 1<<63 }

// OfFloat is the key of a float: -0 and 0 are equal, NaN is behind everything.
func OfFloat(v float64) uint64 {
	if v != v {
		return math.MaxUint64
	}
	b := math.Float64bits(v + 0) // -0 becomes 0
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}
