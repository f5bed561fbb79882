package filter

import (
	"errors"
	"fmt"
)

var bitshuffleEntry = entry{
	info: Info{ID: 32008, Name: "bitshuffle", Code: "own Go; codecs as of lz4 and zstd",
		Params: "version (2), element bytes, block elements (0: default), codec (0 none, 2 lz4, 3 zstd), level"},
	open: openBitshuffle,
}

// bitshuffle is the filter of https://github.com/kiyo-masui/bitshuffle (src/bshuf_h5filter.c): blocks of elements whose
// bits are transposed, each compressed if there is a codec. Of a last block only elements in eights are; up to seven
// elements follow as they are.
type bitshuffle struct {
	elem  int
	block int // elements; of a compressed chunk, its header says it
	codec blockCodec
}

func openBitshuffle(params []uint32, _ int) (decoder, error) {
	const maxElem = 1 << 20 // bounds what a block of the fewest elements needs
	if len(params) < 3 || params[2] == 0 || params[2] > maxElem {
		return nil, errors.New("the size of an element is missing or impossible")
	}
	b := bitshuffle{elem: int(params[2])}
	b.block = max(128, 8192/b.elem&^7)
	if len(params) > 3 && params[3] > 0 {
		b.block = int(params[3])
	}
	if len(params) > 4 {
		switch params[4] {
		case 2:
			b.codec = lz4Block
		case 3:
			b.codec = zstdFrames
		}
	}
	return b, b.check()
}

func (b bitshuffle) check() error {
	if b.block <= 0 || b.block%8 != 0 || b.block > 1<<31-1 {
		return fmt.Errorf("blocks of %d elements", b.block)
	}
	return nil
}

func (b bitshuffle) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	if b.codec == nil {
		if err := want.check(len(src)); err != nil {
			return nil, err
		}
		dst := s.out(len(src))
		return dst, b.blocks(s, dst, src)
	}
	dst, bytes, err := lz4Header(s, src, want)
	if err != nil {
		return nil, err
	}
	b.block = bytes / b.elem
	if err := b.check(); err != nil && len(dst) > 0 {
		return nil, err
	}
	return dst, b.blocks(s, dst, src[12:])
}

func (b bitshuffle) blocks(s *Scratch, dst, src []byte) error {
	if len(dst)%b.elem != 0 {
		return fmt.Errorf("%d bytes in elements of %d", len(dst), b.elem)
	}
	for len(dst) >= 8*b.elem {
		n := min(b.block, len(dst)/b.elem&^7) * b.elem
		rest, err := b.undo(dst[:n], src, s.temp(2*n))
		if err != nil {
			return err
		}
		dst, src = dst[n:], rest
	}
	if len(src) < len(dst) {
		return errStream
	}
	copy(dst, src)
	return nil
}

// undo decodes one block from the start of src and returns what follows it. tmp is twice as long as dst.
func (b bitshuffle) undo(dst, src, tmp []byte) (rest []byte, err error) {
	data, spare := tmp[:len(dst)], tmp[len(dst):]
	if b.codec == nil {
		if len(src) < len(dst) {
			return nil, errStream
		}
		bitUnshuffle(dst, src[:len(dst)], spare, b.elem)
		return src[len(dst):], nil
	}
	in, rest, err := frame(src)
	if err != nil {
		return nil, err
	}
	if n, err := b.codec(data, in); err != nil || n != len(data) {
		return nil, fmt.Errorf("%d bytes of a block of %d: %w: %v", n, len(data), errStream, err)
	}
	bitUnshuffle(dst, data, spare, b.elem)
	return rest, nil
}
