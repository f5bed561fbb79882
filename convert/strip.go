package convert

import (
	"encoding/binary"
	"math/bits"

	"github.com/mtflight/mtflight/convert/h5type"
)

// Short strings are most of what there is, so their bytes are looked at 8 at a time, without a call each.
const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
	spaces    = ' ' * everyByte
)

// stripped is the length of a fixed string without its padding. Values, conditions, sorting and statistics all take it
// from here, and give what PyTables wrote as null-padded. NULs below the spaces of a space-padded string were never written.
func stripped(v []byte, pad h5type.Pad) int {
	switch pad {
	case h5type.NullTerm:
		return firstNull(v)
	case h5type.SpacePad:
		return trimmed(v[:trimmed(v, 0)], spaces)
	}
	return trimmed(v, 0)
}

// firstNull is the length of v up to its first NUL.
func firstNull(v []byte) int {
	i := 0
	for ; i+8 <= len(v); i += 8 {
		w := binary.LittleEndian.Uint64(v[i:])
		if nulls := (w - everyByte) &^ w & highBits; nulls != 0 { // its lowest bit is of the first NUL
			return i + bits.TrailingZeros64(nulls)/8
		}
	}
	for i < len(v) && v[i] != 0 {
		i++
	}
	return i
}

// trimmed is the length of v without the padding at its end; word is the padding 8 times.
func trimmed(v []byte, word uint64) int {
	n := len(v)
	for ; n >= 8; n -= 8 {
		if w := binary.LittleEndian.Uint64(v[n-8:]) ^ word; w != 0 {
			return n - bits.LeadingZeros64(w)/8
		}
	}
	for n > 0 && v[n-1] == byte(word) {
		n--
	}
	return n
}

// moveDown moves n bytes of the string of size bytes at from to a place at or before it. Up to 8 bytes are moved as one
// word, which may also write over what follows them, but not beyond the string's own place.
func moveDown(all []byte, to, from, size, n int) {
	switch {
	case to == from:
	case n <= 8 && size >= 8:
		binary.LittleEndian.PutUint64(all[to:], binary.LittleEndian.Uint64(all[from:]))
	default:
		copy(all[to:], all[from:from+n])
	}
}
