package h5file

import (
	"bytes"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
)

// ParseFilters decodes a pipeline, version 1 or 2 (IV.A.2.l).
func (f *File) ParseFilters(b []byte) ([]filter.Spec, error) {
	c := f.Cursor(b)
	version, n := c.U8(), int(c.U8())
	if version != 1 && version != 2 {
		return nil, fault.New(fault.Unsupported, "h5file: parse filter message: version %d", version)
	}
	if version == 1 {
		c.Skip(6)
	}
	var out []filter.Spec
	for range n {
		out = append(out, c.filter(version))
		if c.Short {
			return nil, CutOff("filter")
		}
	}
	return out, nil
}

// filter decodes one filter. Version 2 leaves out the names of filters the library defines, and all padding.
func (c *Cursor) filter(version uint8) filter.Spec {
	f := filter.Spec{ID: c.U16()}
	named := uint64(0)
	if version == 1 || f.ID >= 256 {
		named = uint64(c.U16())
	}
	f.Optional = c.U16()&1 != 0
	params := int(c.U16())
	if version == 1 {
		named = (named + 7) &^ 7
	}
	name, _, _ := bytes.Cut(c.Bytes(named), []byte{0})
	f.Name = string(name)
	if 4*params > len(c.B) {
		c.Short = true
		return f
	}
	f.Params = make([]uint32, params)
	for i := range f.Params {
		f.Params[i] = c.U32()
	}
	if version == 1 && params%2 == 1 {
		c.Skip(4)
	}
	return f
}
