package filter

import (
	"encoding/binary"
	"fmt"
)

var lz4Entry = entry{
	info: Info{ID: 32004, Name: "lz4", Params: "block bytes", Code: "pierrec/lz4"},
	open: func([]uint32, int) (decoder, error) { return lz4Filter{}, nil },
}

// lz4Filter is the LZ4 filter of HDFGroup/hdf5_plugins (docs/HDF5_LZ4.md): the decoded size in eight bytes, the size of a
// decoded block in four, then each block after its stored size; all big-endian. A block that didn't shrink is stored
// as it is.
type lz4Filter struct{}

func (lz4Filter) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	dst, block, err := lz4Header(s, src, want)
	if err != nil {
		return nil, err
	}
	return dst, framedBlocks(dst, src[12:], block, lz4Block)
}

// front is part of fronted: blocks up to the one in which the part ends.
func (lz4Filter) front(s *Scratch, src []byte, total, n int) ([]byte, bool) {
	dst, block, err := lz4Header(s, src, size{n: total, exact: true})
	if err != nil || block >= total || !saves((n+block-1)/block*block, total) {
		return nil, false
	}
	return dst[:n], framedBlocks(dst[:(n+block-1)/block*block], src[12:], block, lz4Block) == nil
}

// lz4Header reads the header that lz4 and bitshuffle share and returns the output and the size of a decoded block.
func lz4Header(s *Scratch, src []byte, want size) (dst []byte, block int, err error) {
	if len(src) < 12 {
		return nil, 0, errStream
	}
	total, each := binary.BigEndian.Uint64(src), binary.BigEndian.Uint32(src[8:])
	if total > uint64(want.n) || want.exact && total != uint64(want.n) {
		return nil, 0, fmt.Errorf("the header says %d bytes where the chunk has %d", total, want.n)
	}
	if each > 1<<31-1 || each == 0 && total > 0 {
		return nil, 0, fmt.Errorf("blocks of %d bytes", each)
	}
	return s.out(int(total)), int(each), nil
}

// framedBlocks decodes blocks that follow their stored size, big-endian.
func framedBlocks(dst, src []byte, block int, codec blockCodec) error {
	for len(dst) > 0 {
		var in []byte
		var err error
		if in, src, err = frame(src); err != nil {
			return err
		}
		out := dst[:min(block, len(dst))]
		dst = dst[len(out):]
		if len(in) == len(out) {
			copy(out, in)
		} else if n, err := codec(out[:len(out):len(out)], in); err != nil || n != len(out) {
			return fmt.Errorf("%d bytes of a block of %d: %w: %v", n, len(out), errStream, err)
		}
	}
	return nil
}

// frame cuts the next block off src.
func frame(src []byte) (block, rest []byte, err error) {
	if len(src) < 4 {
		return nil, nil, errStream
	}
	n := binary.BigEndian.Uint32(src)
	if uint64(n) > uint64(len(src)-4) {
		return nil, nil, errStream
	}
	return src[4 : 4+n], src[4+n:], nil
}
