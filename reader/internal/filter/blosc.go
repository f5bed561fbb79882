package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

var bloscEntry = entry{
	info: Info{ID: 32001, Name: "blosc", Code: bloscCode,
		Params: "filter revision, Blosc format, element bytes, chunk bytes, level, shuffle (1 bytes, 2 bits), codec (0 blosclz, 1 lz4, 2 lz4hc, 3 snappy, 4 zlib, 5 zstd)"},
	open: func(_ []uint32, elemSize int) (decoder, error) { return blosc1{elemSize}, nil },
}

// blosc1 is the filter of https://github.com/Blosc/hdf5-blosc: a chunk of c-blosc 1. Its header says all that decoding
// needs; the filter's parameters aren't looked at.
type blosc1 struct{ elem int }

func (blosc1) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	c, err := parseBlosc1(src, want)
	if err != nil {
		return nil, err
	}
	dst := s.out(c.nbytes)
	return dst, c.decode(s, dst)
}

// planes is part of planar.
func (b blosc1) planes(s *Scratch, src []byte, want size) (Result, error) {
	c, err := parseBlosc1(src, want)
	if err != nil {
		return Result{}, err
	}
	return c.planes(s, b.elem)
}

func parseBlosc1(src []byte, want size) (bloscChunk, error) {
	c, err := parseBlosc(src)
	if err == nil && (c.version > blosc1Format || c.extended) {
		err = fmt.Errorf("chunk of Blosc format %d, this filter writes up to %d", c.version, blosc1Format)
	}
	if err == nil {
		err = want.check(c.nbytes)
	}
	return c, err
}

const (
	blosc1Format = 2 // last format of c-blosc 1; c-blosc 2 starts with 3
	blosc2Format = 6

	bloscShuffle    = 1 // bits of flags
	bloscCopy       = 2
	bloscBitshuffle = 4
	bloscDelta      = 8
	bloscDontSplit  = 16

	filterShuffle    = 1 // filters of a pipeline
	filterBitshuffle = 2
	filterDelta      = 3
	filterTruncate   = 4

	filterByteDelta   = 35 // registered ones
	filterTruncateInt = 36
)

// bloscChunk is a chunk of c-blosc 1 or 2: its header, checked, and its bytes.
type bloscChunk struct {
	version, flags byte
	typesize       int
	nbytes         int // decoded
	blocksize      int
	data           []byte // the chunk, header included
	stored         int    // its bytes
	header         int    // bytes of the header

	filters, meta [6]byte
	extended      bool // a header of c-blosc 2 with these:
	special       byte
	dict          bool
}

// parseBlosc checks the header of the chunk at the start of src, whose layout is given in c-blosc2's
// README_CHUNK_FORMAT.rst.
func parseBlosc(src []byte) (c bloscChunk, err error) { return parseBloscIn(src, len(src)) }

// parseBloscIn is parseBlosc for the start of n bytes: data ends with src then.
func parseBloscIn(src []byte, n int) (c bloscChunk, err error) {
	if len(src) < 16 {
		return c, errors.New("the Blosc header is missing")
	}
	c.version, c.flags, c.typesize = src[0], src[2], int(src[3])
	nbytes, blocksize, cbytes := int32at(src, 4), int32at(src, 8), int32at(src, 12)
	switch {
	case c.version < 1 || c.version > blosc2Format:
		return c, fmt.Errorf("unknown Blosc format %d", c.version)
	case nbytes < 0 || cbytes < 16 || cbytes > n:
		return c, fmt.Errorf("blosc chunk of %d bytes for %d says it has %d", n, nbytes, cbytes)
	case c.typesize == 0 || nbytes > 0 && blocksize <= 0:
		return c, fmt.Errorf("blosc chunk with elements of %d and blocks of %d bytes", c.typesize, blocksize)
	}
	c.nbytes, c.blocksize, c.data, c.header = nbytes, min(blocksize, nbytes), src[:min(cbytes, len(src))], 16
	c.stored = cbytes
	const both = bloscShuffle | bloscBitshuffle
	if c.extended = c.flags&both == both; c.extended {
		return c, c.parseExtended()
	}
	c.filters = flagFilters(c.flags)
	return c, nil
}

func flagFilters(flags byte) (f [6]byte) {
	switch {
	case flags&bloscShuffle != 0:
		f[5] = filterShuffle
	case flags&bloscBitshuffle != 0:
		f[5] = filterBitshuffle
	}
	if flags&bloscDelta != 0 {
		f[4] = filterDelta
	}
	return f
}

func int32at(b []byte, at int) int { return int(int32(binary.LittleEndian.Uint32(b[at:]))) }

// planes decodes the chunk of a dataset with elements of elem bytes, without undoing the shuffle of its blocks where that
// is their only filter and is of just such elements. Where the bytes have a place to go they are unshuffled.
func (c *bloscChunk) planes(s *Scratch, elem int) (r Result, err error) {
	if c.copied() {
		return Result{Data: c.data[c.header:][:c.nbytes]}, nil
	}
	r.Data = s.out(c.nbytes)
	if s.dst == nil && c.shuffledOnly(elem) {
		r.Planes, r.Elem = c.blocksize/elem, elem
		c.flags &^= bloscShuffle
		c.filters = [6]byte{}
	}
	return r, c.decode(s, r.Data)
}

// copied tells whether the chunk did not shrink, and its bytes follow the header as they are.
func (c *bloscChunk) copied() bool {
	return c.flags&bloscCopy != 0 && c.special == 0 && c.stored-c.header >= c.nbytes
}

// shuffledOnly tells whether blocks of whole elements have been shuffled and nothing else.
func (c *bloscChunk) shuffledOnly(elem int) bool {
	at := slices.Index(c.filters[:], filterShuffle)
	if at < 0 || c.shuffleWidth(at) != elem || elem < 2 || c.nbytes == 0 || c.special != 0 || c.flags&bloscCopy != 0 {
		return false
	}
	others := c.filters
	others[at] = 0
	return others == [6]byte{} && c.blocksize%elem == 0 && c.nbytes%elem == 0
}

// decode decodes the chunk into dst, which is nbytes long.
func (c *bloscChunk) decode(s *Scratch, dst []byte) error {
	switch {
	case c.nbytes == 0:
		return nil
	case c.special != 0:
		return c.fill(dst)
	case c.flags&bloscCopy != 0:
		if len(c.data)-c.header < len(dst) {
			return errStream
		}
		copy(dst, c.data[c.header:])
		return nil
	}
	if bloscFast(c, dst) {
		return nil
	}
	codec, err := c.codec()
	if err != nil {
		return err
	}
	return c.decodeBlocks(s, dst, codec)
}

func (c *bloscChunk) decodeBlocks(s *Scratch, dst []byte, codec blockCodec) error {
	for i := range (c.nbytes + c.blocksize - 1) / c.blocksize {
		b := dst[i*c.blocksize : min((i+1)*c.blocksize, c.nbytes)]
		if err := c.block(s, b, dst, i, codec); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	return nil
}

// block decodes block i into dst. chunk starts with the decoded first block, which the delta filter refers to; for
// the first block it is dst.
func (c *bloscChunk) block(s *Scratch, dst, chunk []byte, i int, codec blockCodec) error {
	blocks := (c.nbytes + c.blocksize - 1) / c.blocksize
	if blocks > (len(c.data)-c.header)/4 {
		return errStream
	}
	at := int32at(c.data, c.header+4*i)
	if at < c.header+4*blocks || at > len(c.data) {
		return fmt.Errorf("it starts at byte %d of a chunk of %d", at, len(c.data))
	}
	return c.decodeBlock(s, dst, c.data[at:], chunk, codec)
}

// decodeBlock decodes the streams of a block, which start in src, and undoes the chunk's filters.
func (c *bloscChunk) decodeBlock(s *Scratch, dst, src, chunk []byte, codec blockCodec) error {
	if !c.filtered() {
		return c.decodeStreams(dst, src, codec)
	}
	tmp := s.temp(2 * len(dst))
	data := tmp[:len(dst)]
	if err := c.decodeStreams(data, src, codec); err != nil {
		return err
	}
	return c.undoFilters(dst, data, tmp[len(dst):], chunk)
}

// decodeStreams decodes the one or typesize streams of a block.
func (c *bloscChunk) decodeStreams(dst, src []byte, codec blockCodec) error {
	n := c.streams(len(dst))
	if len(dst)%n != 0 {
		return fmt.Errorf("%d bytes in %d streams", len(dst), n)
	}
	each := len(dst) / n
	for ; len(dst) > 0; dst = dst[each:] {
		if len(src) < 4 {
			return errStream
		}
		size := int32at(src, 0)
		src = src[4:]
		if size <= 0 && c.version > blosc1Format {
			var err error
			if src, err = runStream(dst[:each], src, size); err != nil {
				return err
			}
			continue
		}
		if size < 0 || size > len(src) {
			return errStream
		}
		if size == each {
			copy(dst, src[:size])
		} else if n, err := codec(dst[:each:each], src[:size]); err != nil || n != each {
			return fmt.Errorf("%w (%d bytes of %d)", errors.Join(errStream, err), n, each)
		}
		src = src[size:]
	}
	return nil
}

// streams returns how many streams a block of n bytes has. c-blosc 1 splits only small elements and full blocks.
func (c *bloscChunk) streams(n int) int {
	const maxSplits, minBytes = 16, 128
	switch {
	case c.flags&bloscDontSplit != 0 || n != c.blocksize:
		return 1
	case c.version <= blosc1Format && (c.typesize > maxSplits || n/c.typesize < minBytes):
		return 1
	}
	return c.typesize
}

// codec returns the codec that the flags name.
func (c *bloscChunk) codec() (blockCodec, error) {
	switch id := c.flags >> 5; {
	case id == 0:
		return blosclz, nil
	case id == 1:
		return lz4Block, nil
	case id == 2 && !c.extended:
		return snappyBlock, nil
	case id == 3:
		return inflate, nil
	case id == 4:
		return zstdFrames, nil
	default:
		return nil, fault.New(fault.Unsupported, "Blosc codec %d: registered and user-defined codecs aren't decoded", id)
	}
}
