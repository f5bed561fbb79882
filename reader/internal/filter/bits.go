package filter

import "encoding/binary"

// bitReader reads numbers of bits from bytes, the highest bit first. The caller has checked that there are enough.
type bitReader struct {
	src []byte
	pos int // in bits
}

// read returns the next n <= 57 bits.
func (r *bitReader) read(n int) uint64 {
	at, skip := r.pos/8, r.pos%8
	r.pos += n
	return r.word(at) << skip >> (64 - n) & (1<<n - 1)
}

// read64 returns the next n <= 64 bits.
func (r *bitReader) read64(n int) uint64 {
	if n <= 57 {
		return r.read(n)
	}
	hi := r.read(n - 32)
	return hi<<32 | r.read(32)
}

// fill reads as many numbers of n < 64 bits as v holds.
func (r *bitReader) fill(v []uint64, n int) {
	whole, shift, pos, src := 0, uint(64-n), uint(r.pos), r.src
	if n > 0 && n <= 57 && 8*len(src) >= r.pos+64 {
		whole = min(len(v), (8*len(src)-64-r.pos)/n+1) // those whose first byte has seven after it
	}
	for i := range v[:whole] {
		v[i] = binary.BigEndian.Uint64(src[pos>>3:]) << (pos & 7) >> (shift & 63)
		pos += uint(n)
	}
	r.pos = int(pos)
	for i := whole; i < len(v); i++ {
		v[i] = r.read64(n)
	}
}

// word returns eight bytes at a position; those after the end are zero.
func (r *bitReader) word(at int) uint64 {
	if at+8 <= len(r.src) {
		return binary.BigEndian.Uint64(r.src[at:])
	}
	var b [8]byte
	copy(b[:], r.src[min(at, len(r.src)):])
	return binary.BigEndian.Uint64(b[:])
}
