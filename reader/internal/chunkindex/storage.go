package chunkindex

import (
	"bytes"

	"github.com/mtflight/mtflight/internal/fault"
)

// parseFilters decodes the pipeline, version 1 or 2 (IV.A.2.l).
func parseFilters(s *source, o *Object, b []byte) error {
	c := s.f.cursor(b)
	version, n := c.u8(), int(c.u8())
	if version != 1 && version != 2 {
		return fault.New(fault.Unsupported, "chunkindex: parse filter message: version %d", version)
	}
	if version == 1 {
		c.skip(6)
	}
	for range n {
		o.Filters = append(o.Filters, c.filter(version))
		if c.short {
			return cutOff("filter")
		}
	}
	return nil
}

// filter decodes one filter. Version 2 leaves out the names of filters the library defines, and all padding.
func (c *cursor) filter(version uint8) Filter {
	f := Filter{ID: c.u16()}
	named := uint64(0)
	if version == 1 || f.ID >= 256 {
		named = uint64(c.u16())
	}
	f.Optional = c.u16()&1 != 0
	params := int(c.u16())
	if version == 1 {
		named = (named + 7) &^ 7
	}
	name, _, _ := bytes.Cut(c.bytes(named), []byte{0})
	f.Name = string(name)
	if 4*params > len(c.b) {
		c.short = true
		return f
	}
	f.Params = make([]uint32, params)
	for i := range f.Params {
		f.Params[i] = c.u32()
	}
	if version == 1 && params%2 == 1 {
		c.skip(4)
	}
	return f
}

// parseOldFill takes the fill value as releases before 1.6 wrote it (IV.A.2.e). The new message, if there is one,
// replaces it.
func parseOldFill(s *source, o *Object, b []byte) error {
	c := s.f.cursor(b)
	o.Fill = Fill{Value: c.bytes(uint64(c.u32()))}
	if c.short {
		return cutOff("old fill value")
	}
	o.Fill.Defined = len(o.Fill.Value) > 0
	o.Fill.Undefined = !o.Fill.Defined
	return nil
}

// parseFill decodes the fill value message, versions 1 to 3 (IV.A.2.f).
func parseFill(s *source, o *Object, b []byte) error {
	c := s.f.cursor(b)
	version := c.u8()
	fill := Fill{}
	has := false
	switch version {
	case 1, 2:
		fill.AllocTime, fill.FillTime = c.u8(), c.u8()
		has = c.u8() != 0
		fill.Undefined = !has
	case 3:
		flags := c.u8()
		fill.AllocTime, fill.FillTime = flags&3, flags>>2&3
		fill.Undefined, has = flags&0x10 != 0, flags&0x20 != 0
	default:
		return fault.New(fault.Unsupported, "chunkindex: parse fill value message: version %d", version)
	}
	if has {
		// A negative size, which only versions 1 and 2 have, says "undefined" once more.
		if n := int32(c.u32()); n < 0 {
			fill.Undefined = true
		} else {
			fill.Value = c.bytes(uint64(n))
		}
	}
	if c.short {
		return cutOff("fill value")
	}
	fill.Defined = len(fill.Value) > 0
	o.Fill = fill
	return nil
}

// parseExternal decodes the list of external files and the local heap with their names (IV.A.2.h, III.D).
func parseExternal(s *source, o *Object, b []byte) error {
	c := s.f.cursor(b)
	version := c.u8()
	c.skip(3 + 2)
	n, heap := int(c.u16()), c.addr()
	if version != 1 {
		return fault.New(fault.Unsupported, "chunkindex: parse external file message: version %d", version)
	}
	if c.short || n*3*c.l > len(c.b) {
		return cutOff("external file")
	}
	names, err := s.localHeap(heap)
	if err != nil {
		return err
	}
	for range n {
		at := c.length()
		if at >= uint64(len(names)) {
			return fault.New(fault.DataLoss, "chunkindex: parse external file message: name at %d of a heap of %d bytes", at, len(names))
		}
		name, _, _ := bytes.Cut(names[at:], []byte{0})
		o.External = append(o.External, ExternalFile{string(name), c.length(), c.length()})
	}
	return nil
}

// localHeap returns a local heap's data segment, valid until the next read.
func (s *source) localHeap(addr uint64) ([]byte, error) {
	n := 8 + 2*uint64(s.f.SizeOfLengths) + uint64(s.f.SizeOfOffsets)
	b, err := s.at(addr, n)
	if err != nil {
		return nil, err
	}
	if err := signed(b, addr, "HEAP"); err != nil {
		return nil, err
	}
	c := s.f.cursor(b)
	c.skip(8)
	size := c.length()
	c.length() // free list
	return s.at(c.addr(), size)
}
