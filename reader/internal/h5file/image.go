package h5file

import (
	"cmp"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

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
	s := f.Source()
	h, err := s.Header(f.ext)
	if err != nil {
		return err
	}
	if !h.Has(MsgImage) {
		return nil
	}
	c := f.Cursor(h.first(MsgImage).Data)
	version, addr, size := c.U8(), c.Addr(), c.Length()
	if c.Short {
		return CutOff("metadata cache image")
	}
	if addr == Undefined {
		return nil
	}
	if version != 0 {
		return fault.New(fault.Unsupported, "h5file: open file: metadata cache image message of version %d", version)
	}
	b, err := s.Block(addr, size, "MDCI")
	if err != nil {
		return err
	}
	return f.parseImage(slices.Clone(b[:len(b)-4]))
}

func (f *File) parseImage(b []byte) error {
	c := f.Cursor(b[4:])
	version := c.U8()
	c.Skip(1)
	c.Length()
	for range c.U32() {
		c.Skip(4 + 2 + 2) // type, flags, ring, age, children
		parents := uint64(c.U16())
		c.Skip(4) // rank
		addr, size := c.Addr(), c.Length()
		c.Bytes(parents * uint64(c.O))
		if f.image = append(f.image, cached{addr, c.Bytes(size)}); c.Short {
			break
		}
	}
	if c.Short || version != 0 {
		return fault.New(fault.DataLoss, "h5file: open file: metadata cache image of version %d is cut off", version)
	}
	slices.SortFunc(f.image, func(a, b cached) int { return cmp.Compare(a.addr, b.addr) })
	return nil
}

// cached returns n bytes at addr from the cache image, nil if they are not there.
func (f *File) cached(addr, n uint64) []byte {
	if len(f.image) == 0 {
		return nil
	}
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
