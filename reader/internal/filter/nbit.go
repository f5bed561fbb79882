package filter

import (
	"errors"
	"fmt"
)

var nbitEntry = entry{
	info: Info{ID: 5, Name: "nbit", Code: "own Go",
		Params: "number of values, not compressed, elements, then the type: class (1 atomic, 2 array, 3 compound, 4 opaque) and its description"},
	open: openNbit,
}

// nbit is H5Z_FILTER_NBIT (src/H5Znbit.c): the significant bits of each element, one after the other, the highest first.
type nbit struct {
	idle  bool // nothing was packed
	elems int
	typ   nbitType
}

// The classes of an nbit type.
const (
	nbitAtomic = iota + 1
	nbitArray
	nbitCompound
	nbitOpaque
)

// nbitType describes an element, or a part of one.
type nbitType struct {
	class  int
	size   int // bytes
	bits   int // packed
	offset int // bytes from the start of the compound, for its members

	bigEndian        bool // atomic: the significant bits
	precision, shift int

	count int        // array: the one member repeated
	parts []nbitType // array, compound
}

func openNbit(params []uint32, _ int) (decoder, error) {
	if len(params) < 3 || int(params[0]) != len(params) {
		return nil, errors.New("the number of values is wrong")
	}
	if params[1] != 0 {
		return nbit{idle: true}, nil
	}
	p := nbitParser{rest: params[3:]}
	typ := p.next(nbitMaxDepth)
	if p.err != nil {
		return nil, p.err
	}
	if uint64(params[2])*uint64(typ.size) > 1<<32 {
		return nil, fmt.Errorf("%d elements of %d bytes", params[2], typ.size)
	}
	return nbit{elems: int(params[2]), typ: typ}, nil
}

func (z nbit) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	if z.idle {
		return src, nil
	}
	n := z.elems * z.typ.size
	if err := want.check(n); err != nil {
		return nil, err
	}
	if (z.elems*z.typ.bits+7)/8 > len(src) {
		return nil, errStream
	}
	dst := s.out(n)
	clear(dst)
	r := bitReader{src: src}
	for i := range z.elems {
		z.typ.unpack(dst[i*z.typ.size:], &r)
	}
	return dst, nil
}

// unpack writes one element to the start of dst, which is zero.
func (t *nbitType) unpack(dst []byte, r *bitReader) {
	switch t.class {
	case nbitAtomic:
		t.unpackAtomic(dst, r)
	case nbitOpaque:
		for i := range t.size {
			dst[i] = byte(r.read(8))
		}
	case nbitArray:
		for i := range t.count {
			t.parts[0].unpack(dst[i*t.parts[0].size:], r)
		}
	case nbitCompound:
		for i := range t.parts {
			t.parts[i].unpack(dst[t.parts[i].offset:], r)
		}
	}
}

// unpackAtomic fills the bytes that hold significant bits, from the most significant on.
func (t *nbitType) unpackAtomic(dst []byte, r *bitReader) {
	for b := (t.shift + t.precision - 1) / 8; b >= t.shift/8; b-- {
		lo, hi := max(t.shift, 8*b), min(t.shift+t.precision, 8*b+8)
		at := b
		if t.bigEndian {
			at = t.size - 1 - b
		}
		dst[at] = byte(r.read(hi-lo) << (lo - 8*b))
	}
}
