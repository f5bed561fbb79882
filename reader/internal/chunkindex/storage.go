package chunkindex

import (
	"bytes"

	"github.com/mtflight/mtflight/internal/fault"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// parseFilters decodes the pipeline.
func parseFilters(s *h5file.Source, o *Object, b []byte) (err error) {
	o.Filters, err = s.File.ParseFilters(b)
	return err
}

// parseOldFill takes the fill value as releases before 1.6 wrote it (IV.A.2.e). The new message, if there is one,
// replaces it.
func parseOldFill(s *h5file.Source, o *Object, b []byte) error {
	c := s.File.Cursor(b)
	o.Fill = Fill{Value: c.Bytes(uint64(c.U32()))}
	if c.Short {
		return h5file.CutOff("old fill value")
	}
	o.Fill.Defined = len(o.Fill.Value) > 0
	o.Fill.Undefined = !o.Fill.Defined
	return nil
}

// parseFill decodes the fill value message, versions 1 to 3 (IV.A.2.f).
func parseFill(s *h5file.Source, o *Object, b []byte) error {
	c := s.File.Cursor(b)
	version := c.U8()
	fill := Fill{}
	has := false
	switch version {
	case 1, 2:
		fill.AllocTime, fill.FillTime = c.U8(), c.U8()
		has = c.U8() != 0
		fill.Undefined = !has
	case 3:
		flags := c.U8()
		fill.AllocTime, fill.FillTime = flags&3, flags>>2&3
		fill.Undefined, has = flags&0x10 != 0, flags&0x20 != 0
	default:
		return fault.New(fault.Unsupported, "chunkindex: parse fill value message: version %d", version)
	}
	if has {
		// A negative size, which only versions 1 and 2 have, says "undefined" once more.
		if n := int32(c.U32()); n < 0 {
			fill.Undefined = true
		} else {
			fill.Value = c.Bytes(uint64(n))
		}
	}
	if c.Short {
		return h5file.CutOff("fill value")
	}
	fill.Defined = len(fill.Value) > 0
	o.Fill = fill
	return nil
}

// parseExternal decodes the list of external files and the local heap with their names (IV.A.2.h, III.D).
func parseExternal(s *h5file.Source, o *Object, b []byte) error {
	c := s.File.Cursor(b)
	version := c.U8()
	c.Skip(3 + 2)
	n, heap := int(c.U16()), c.Addr()
	if version != 1 {
		return fault.New(fault.Unsupported, "chunkindex: parse external file message: version %d", version)
	}
	if c.Short || n*3*c.L > len(c.B) {
		return h5file.CutOff("external file")
	}
	names, err := s.LocalHeap(heap)
	if err != nil {
		return err
	}
	for range n {
		at := c.Length()
		if at >= uint64(len(names)) {
			return fault.New(fault.DataLoss, "chunkindex: parse external file message: name at %d of a heap of %d bytes", at, len(names))
		}
		name, _, _ := bytes.Cut(names[at:], []byte{0})
		if err := s.Spend(heap, uint64(len(name))); err != nil {
			return err
		}
		o.External = append(o.External, ExternalFile{string(name), c.Length(), c.Length()})
	}
	return nil
}
