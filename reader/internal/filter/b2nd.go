package filter

import (
	"fmt"
	"math"
)

// b2nd is an array in chunks, which are in blocks, of several dimensions (c-blosc2, README_B2ND_METALAYER.rst). Chunks
// and blocks are in C order, and so are the elements of a block. Those at the edge are as big as the others: a chunk is
// made of whole blocks, and what exceeds the chunk or the array is no data.
type b2nd struct {
	shape, chunk, block []int // elements
	chunks, blocks      []int // of the array, of a chunk
	width               int   // bytes of an element
	stride              []int // bytes in the array
}

// parseB2nd reads the metalayer of a frame. The width of an element is not in it.
func parseB2nd(f *frame2) (b2nd, error) {
	const maxRank, fields = 16, 5 // later versions have two more, about the type
	p := msgpack{rest: f.meta}
	n := p.array()
	p.uint() // version
	rank := int(p.uint())
	if p.err != nil || n < fields || rank < 1 || rank > maxRank {
		return b2nd{}, fmt.Errorf("array of %d dimensions in a metalayer of %d fields", rank, n)
	}
	a := b2nd{shape: p.shape(rank), chunk: p.shape(rank), block: p.shape(rank)}
	if p.err != nil {
		return b2nd{}, p.err
	}
	return a, a.derive(f)
}

// shape reads an array of rank lengths from 1 to 2^31-1.
func (p *msgpack) shape(rank int) []int {
	if p.array() != rank {
		p.fail()
	}
	list := make([]int, rank)
	for i := range list {
		v := p.uint()
		if v == 0 || v > math.MaxInt32 {
			p.fail()
			return list
		}
		list[i] = int(v)
	}
	return list
}

func (a *b2nd) derive(f *frame2) error {
	n, elems := len(a.shape), 1
	a.chunks, a.blocks, a.stride = make([]int, n), make([]int, n), make([]int, n)
	for i := range n {
		if a.block[i] > a.chunk[i] {
			return fmt.Errorf("blocks %v in chunks %v", a.block, a.chunk)
		}
		a.chunks[i] = (a.shape[i]-1)/a.chunk[i] + 1
		a.blocks[i] = (a.chunk[i]-1)/a.block[i] + 1
		var err error
		if elems, err = product(elems, []int{a.block[i], a.blocks[i]}); err != nil {
			return err
		}
	}
	// c-blosc2 writes 1 for elements of more than 255 bytes.
	a.width = f.chunksize / elems
	if a.width == 0 || a.width*elems != f.chunksize || f.typesize != 1 && f.typesize != a.width {
		return fmt.Errorf("chunks %v in blocks %v of %d bytes in all, elements of %d", a.chunk, a.block, f.chunksize, f.typesize)
	}
	stride, err := a.width, error(nil)
	for i := n - 1; i >= 0; i-- {
		a.stride[i] = stride
		if stride, err = product(stride, a.shape[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// product returns the product of v and the numbers, or an error above 2^31-1.
func product(v int, numbers []int) (int, error) {
	for _, n := range numbers {
		if v > math.MaxInt32/n {
			return 0, fmt.Errorf("%v of %d is too big", numbers, v)
		}
		v *= n
	}
	return v, nil
}

// decodeArray decodes a frame with the metalayer b2nd.
func (f *frame2) decodeArray(s *Scratch, want size) ([]byte, error) {
	a, err := parseB2nd(f)
	if err != nil {
		return nil, err
	}
	total, err := product(a.width, a.shape)
	if err == nil {
		err = want.check(total)
	}
	if err != nil {
		return nil, err
	}
	bytes, blocks, err := a.sizes(f, total)
	if err != nil {
		return nil, err
	}
	offsets, err := f.offsets(s, want)
	if err != nil {
		return nil, err
	}
	dst, index := s.out(total), make([]int, len(a.shape))
	for i := range offsets {
		c, err := f.chunk(offsets[i], bytes*blocks)
		if err == nil {
			err = a.decodeChunk(s, dst, &c, bytes, a.origin(i, a.chunks, a.chunk, index))
		}
		if err != nil {
			return nil, fmt.Errorf("chunk %d of the frame: %w", i, err)
		}
	}
	return dst, nil
}

// sizes returns the bytes of a block and the blocks of a chunk, checked against the frame's header.
func (a *b2nd) sizes(f *frame2, total int) (bytes, blocks int, err error) {
	if bytes, err = product(a.width, a.block); err != nil {
		return 0, 0, err
	}
	if blocks, err = product(1, a.blocks); err != nil {
		return 0, 0, err
	}
	chunks, err := product(1, a.chunks)
	if err != nil {
		return 0, 0, err
	}
	const slack = 64 << 10 // a chunk may be bigger than the array
	if bytes > total+slack || bytes*blocks != f.chunksize || chunks != (f.nbytes+f.chunksize-1)/f.chunksize {
		return 0, 0, fmt.Errorf("frame of %d bytes in chunks of %d doesn't hold chunks %v of blocks %v for %v", f.nbytes,
			f.chunksize, a.chunk, a.block, a.shape)
	}
	return bytes, blocks, nil
}

// origin returns the element at which number i of a grid of parts starts; it is written to index.
func (*b2nd) origin(i int, grid, part, index []int) []int {
	for d := len(grid) - 1; d >= 0; d-- {
		index[d] = i % grid[d] * part[d]
		i /= grid[d]
	}
	return index
}

// decodeChunk decodes the chunk at an origin, block by block, into the array dst. The first block always has elements of it.
func (a *b2nd) decodeChunk(s *Scratch, dst []byte, c *bloscChunk, bytes int, origin []int) error {
	var codec blockCodec
	var err error
	whole := c.special != 0 || c.flags&bloscCopy != 0
	if !whole {
		if codec, err = c.codec(); err != nil {
			return err
		}
		if c.blocksize != bytes {
			return fmt.Errorf("blocks of %d bytes where the array has %d", c.blocksize, bytes)
		}
	}
	buf := s.pair(2 * bytes)
	first, block, at := buf[:bytes], buf[bytes:], make([]int, len(origin))
	grid, blocks := a.inside(origin)
	for k := range blocks {
		b := block
		if k == 0 {
			b = first // the delta filter refers to it
		}
		i := a.number(a.origin(k, grid, a.block, at))
		if whole {
			err = c.plainBlock(b, i)
		} else {
			err = c.block(s, b, first, i, codec)
		}
		if err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
		a.copyBlock(dst[a.place(origin, at):], b, a.clip(at, origin), 0)
	}
	return nil
}

// inside returns how many blocks of the chunk at an origin have elements of the array, along each dimension and in all:
// a chunk may be much bigger than its array.
func (a *b2nd) inside(origin []int) (grid []int, blocks int) {
	grid, blocks = make([]int, len(origin)), 1
	for d := range grid {
		grid[d] = (min(a.chunk[d], a.shape[d]-origin[d])-1)/a.block[d] + 1
		blocks *= grid[d]
	}
	return grid, blocks
}

// number returns the place among the chunk's blocks of the one at an origin within it.
func (a *b2nd) number(at []int) int {
	i := 0
	for d, n := range a.blocks {
		i = i*n + at[d]/a.block[d]
	}
	return i
}

// clip returns the lengths of the part of a block, at an origin within its chunk, that is within chunk and array.
func (a *b2nd) clip(at, origin []int) []int {
	n := make([]int, len(at))
	for d := range n {
		n[d] = min(a.block[d], a.chunk[d]-at[d], a.shape[d]-origin[d]-at[d])
	}
	return n
}

// place returns the byte of the array where a block starts.
func (a *b2nd) place(origin, at []int) int {
	p := 0
	for d, stride := range a.stride {
		p += (origin[d] + at[d]) * stride
	}
	return p
}

// copyBlock copies the first n elements of each dimension from d on of a block.
func (a *b2nd) copyBlock(dst, src []byte, n []int, d int) {
	if d == len(n)-1 {
		copy(dst[:n[d]*a.width], src)
		return
	}
	step := a.width
	for _, len := range a.block[d+1:] {
		step *= len
	}
	for i := range n[d] {
		a.copyBlock(dst[i*a.stride[d]:], src[i*step:], n, d+1)
	}
}
