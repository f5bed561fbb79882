package chunkindex

import (
	"cmp"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// msgImage is the superblock extension's message about a metadata cache image.
const msgImage = 0x18

// cached is a piece of metadata that is in the cache image instead of its place.
type cached struct {
	addr  uint64
	bytes []byte
}

// loadImage reads the metadata cache image, if the file has one: metadata that was not written to its place when the
// file was closed, but all in one block (H5Pset_mdc_image_config).
func (f *File) loadImage() error {
	if f.ext == Undefined {
		return nil
	}
	s := f.source()
	h, err := s.header(f.ext)
	if err != nil {
		return err
	}
	c := f.cursor(h[msgImage].data)
	version, addr, size := c.u8(), c.addr(), c.length()
	if c.short || addr == Undefined {
		return nil
	}
	if version != 0 {
		return fault.New(fault.Unsupported, "chunkindex: open file: metadata cache image message of version %d", version)
	}
	b, err := s.block(addr, size, "MDCI")
	if err != nil {
		return err
	}
	return f.parseImage(slices.Clone(b[:len(b)-4]))
}

func (f *File) parseImage(b []byte) error {
	c := f.cursor(b[4:])
	version := c.u8()
	c.skip(1)
	c.length()
	for range c.u32() {
		c.skip(4 + 2 + 2) // type, flags, ring, age, children
		parents := uint64(c.u16())
		c.skip(4) // rank
		addr, size := c.addr(), c.length()
		c.bytes(parents * uint64(c.o))
		if f.image = append(f.image, cached{addr, c.bytes(size)}); c.short {
			break
		}
	}
	if c.short || version != 0 {
		return fault.New(fault.DataLoss, "chunkindex: open file: metadata cache image of version %d is cut off", version)
	}
	slices.SortFunc(f.image, func(a, b cached) int { return cmp.Compare(a.addr, b.addr) })
	return nil
}

// cached returns n bytes at addr from the cache image, nil if they are not there.
func (f *File) cached(addr, n uint64) []byte {
	i, found := slices.BinarySearchFunc(f.image, addr, func(e cached, addr uint64) int { return cmp.Compare(e.addr, addr) })
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	e := f.image[i]
	skip := addr - e.addr
	if size := uint64(len(e.bytes)); skip > size || n > size-skip {
		return nil
	}
	return e.bytes[skip:][:n:n]
}
