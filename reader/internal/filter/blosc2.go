package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var blosc2Entry = entry{
	info: Info{ID: 32026, Name: "blosc2", Code: "own Go container; own BloscLZ, codecs as of lz4, deflate and zstd",
		Params: "filter revision, Blosc format, element bytes, chunk bytes, level, filter (1 bytes, 2 bits, 3 delta, 4 truncate), codec (0 blosclz, 1 lz4, 2 lz4hc, 4 zlib, 5 zstd), rank, chunk shape"},
	open: func(_ []uint32, elemSize int) (decoder, error) { return blosc2{elemSize}, nil },
}

// blosc2 is the filter of https://github.com/Blosc/HDF5-Blosc2: a contiguous frame of Blosc2 chunks, with the metalayer
// b2nd if the data is cut in blocks of several dimensions. A bare chunk, as the filter's first revision wrote, will do.
type blosc2 struct{ elem int }

func (blosc2) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	if !isFrame(src) {
		return decodeBare(s, src, want)
	}
	f, err := parseFrame(src)
	if err != nil {
		return nil, err
	}
	if f.meta != nil {
		return f.decodeArray(s, want)
	}
	if err := want.check(f.nbytes); err != nil {
		return nil, err
	}
	offsets, err := f.offsets(s, want)
	if err != nil {
		return nil, err
	}
	dst := s.out(f.nbytes)
	for i := range offsets {
		part := dst[i*f.chunksize : min((i+1)*f.chunksize, len(dst))]
		c, err := f.chunk(offsets[i], len(part))
		if err == nil {
			err = c.decode(s, part)
		}
		if err != nil {
			return nil, fmt.Errorf("chunk %d of the frame: %w", i, err)
		}
	}
	return dst, nil
}

func decodeBare(s *Scratch, src []byte, want size) ([]byte, error) {
	c, err := parseBlosc(src)
	if err != nil {
		return nil, err
	}
	if err := want.check(c.nbytes); err != nil {
		return nil, err
	}
	dst := s.out(c.nbytes)
	return dst, c.decode(s, dst)
}

// planes is part of planar: for frames of one chunk, which are most.
func (b blosc2) planes(s *Scratch, src []byte, want size) (Result, error) {
	if c, ok := single(s, src, want); ok {
		return c.planes(s, b.elem)
	}
	data, err := b.decode(s, src, want)
	return Result{Data: data}, err
}

// single is the only chunk of a frame, if it has just one and that has the bytes wanted in their order.
func single(s *Scratch, src []byte, want size) (c bloscChunk, ok bool) {
	if !isFrame(src) {
		return c, false
	}
	f, err := parseFrame(src)
	if err != nil || f.meta != nil || f.nbytes == 0 || f.chunksize < f.nbytes || want.check(f.nbytes) != nil {
		return c, false
	}
	offsets, err := f.offsets(s, want)
	if err != nil {
		return c, false
	}
	c, err = f.chunk(offsets[0], f.nbytes)
	return c, err == nil
}

// frame2 is the header of a contiguous frame (c-blosc2, README_CFRAME_FORMAT.rst).
type frame2 struct {
	nbytes    int // decoded, including what fills up blocks of several dimensions
	chunksize int // of each chunk but the last
	typesize  int
	meta      []byte // content of the metalayer b2nd or its predecessor caterva, nil if there is none

	header, end, total uint64 // bytes: of the header, of it and the stored chunks, of all
	chunks             []byte // stored chunks
	index              []byte // starts with the chunk of offsets
}

func isFrame(src []byte) bool { return len(src) >= 10 && string(src[2:10]) == "b2frame\x00" }

// The places of the header's fields; each follows a type byte of msgpack.
const (
	frameHeaderLen = 11
	frameLen       = 16
	frameFlags     = 25
	frameType      = 26
	frameNbytes    = 30
	frameCbytes    = 39
	frameTypesize  = 48
	frameChunksize = 58
	frameMeta      = 87 // the metalayers
)

func parseFrame(src []byte) (f frame2, err error) {
	if f, err = parseFrameHead(src, uint64(len(src))); err == nil {
		f.chunks, f.index = src[f.header:f.end], src[f.end:f.total]
	}
	return f, err
}

// parseFrameHead checks the header of a frame in n bytes, of which src is the start.
func parseFrameHead(src []byte, n uint64) (f frame2, err error) {
	const newest = 3
	if len(src) < frameMeta {
		return f, errors.New("the frame is cut short")
	}
	be := binary.BigEndian
	header, total := uint64(be.Uint32(src[frameHeaderLen:])), be.Uint64(src[frameLen:])
	nbytes, cbytes := be.Uint64(src[frameNbytes:]), be.Uint64(src[frameCbytes:])
	typesize, chunksize := be.Uint32(src[frameTypesize:]), be.Uint32(src[frameChunksize:])
	switch {
	case src[frameFlags]&15 > newest || src[frameType]&15 != 0:
		return f, fmt.Errorf("frame of version %d and type %d", src[frameFlags]&15, src[frameType]&15)
	case header < frameMeta || total > n || header > total || cbytes > total-header:
		return f, fmt.Errorf("frame of %d bytes in %d, %d of them header and %d chunks", total, n, header, cbytes)
	case nbytes > math.MaxInt32 || chunksize > math.MaxInt32 || typesize == 0 || typesize > math.MaxInt32:
		return f, fmt.Errorf("frame for %d bytes in chunks of %d, elements of %d", nbytes, chunksize, typesize)
	case nbytes > 0 && chunksize == 0:
		return f, errors.New("frame with chunks of different sizes")
	case header > uint64(len(src)):
		return f, fmt.Errorf("frame with a header of %d bytes", header)
	}
	f = frame2{nbytes: int(nbytes), chunksize: int(chunksize), typesize: int(typesize), header: header, end: header + cbytes, total: total}
	f.meta, err = metalayer(src[:header], "b2nd", "caterva")
	return f, err
}

// metalayer returns the content of the first of the named metalayers in the frame's header, nil if there is none.
func metalayer(header []byte, names ...string) ([]byte, error) {
	p := msgpack{rest: header[frameMeta:]}
	p.array() // 3: the size of the map, the map, the contents
	p.uint()
	for range p.mapLen() {
		name, at := p.str(), p.uint()
		if p.err == nil && (name == names[0] || name == names[1]) {
			if at > uint64(len(header)) {
				return nil, fmt.Errorf("metalayer %s at byte %d of a header of %d", name, at, len(header))
			}
			content := msgpack{rest: header[at:]}
			b := content.bin()
			return b, content.err
		}
	}
	return nil, p.err
}

// offsets returns where each chunk starts in f.chunks. A negative one stands for a special chunk.
func (f *frame2) offsets(s *Scratch, want size) ([]int64, error) {
	if f.nbytes == 0 {
		return nil, nil
	}
	n := (f.nbytes-1)/f.chunksize + 1
	if n > want.n {
		return nil, fmt.Errorf("%d chunks for %d bytes", n, want.n)
	}
	c, err := parseBlosc(f.index)
	if err != nil {
		return nil, fmt.Errorf("index of the frame: %w", err)
	}
	if c.nbytes != 8*n {
		return nil, fmt.Errorf("index of the frame: %d bytes for %d chunks", c.nbytes, n)
	}
	raw := make([]byte, 8*n)
	if err := c.decode(s, raw); err != nil {
		return nil, fmt.Errorf("index of the frame: %w", err)
	}
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return list, nil
}

// chunk returns the chunk at an offset, which decodes to n bytes.
func (f *frame2) chunk(offset int64, n int) (bloscChunk, error) {
	if offset < 0 {
		return specialChunk(offset, n, f.typesize)
	}
	if offset > int64(len(f.chunks)) {
		return bloscChunk{}, fmt.Errorf("offset %d in %d bytes of chunks", offset, len(f.chunks))
	}
	c, err := parseBlosc(f.chunks[offset:])
	if err == nil && c.nbytes != n {
		err = fmt.Errorf("%d bytes where the frame has %d", c.nbytes, n)
	}
	return c, err
}

// specialChunk returns the chunk that an offset's highest byte describes.
func specialChunk(offset int64, n, typesize int) (bloscChunk, error) {
	c := bloscChunk{nbytes: n, blocksize: n, typesize: typesize}
	switch kind := uint64(offset) >> 56 & 7; {
	case kind&specialZero != 0:
		c.special = specialZero
	case kind&specialUninit != 0:
		c.special = specialUninit
	case kind&specialNaN != 0:
		c.special = specialNaN
	default:
		return c, fmt.Errorf("unknown special chunk %#x", uint64(offset))
	}
	return c, nil
}
