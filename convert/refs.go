package convert

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert/h5type"
)

// reference: of an object, its path; of a region, the bytes.
func (c *compiler) reference(t *h5type.Type, at position) (*node, error) {
	switch t.RefKind {
	case h5type.RefRegion:
		return c.numbers(&arrow.FixedSizeBinaryType{ByteWidth: t.Size}, plainBytes(t.Size), at), nil
	case h5type.RefObject:
		return c.objectRef(t, at)
	}
	return nil, unsupported("HDF5 1.12 reference (H5T_STD_REF)")
}

func (c *compiler) checkOffsetSize() error {
	switch c.offsetSize {
	case 2, 4, 8:
		return nil
	}
	return unsupported("addresses of %d bytes", c.offsetSize)
}

// objectRef reads addresses (section IV.A.2.d, class 7) and asks for the names of what lies there. A null reference,
// and one to something without a name, is null.
func (c *compiler) objectRef(t *h5type.Type, at position) (*node, error) {
	if err := c.checkOffsetSize(); err != nil {
		return nil, err
	}
	if t.Size < c.offsetSize {
		return nil, unsupported("object reference of %d bytes", t.Size)
	}
	c.plan.resolver = true
	buf := c.plan.column(at, plainBytes(t.Size))
	c.plan.spend(at, 5)
	size, used, typ := t.Size, c.offsetSize, arrow.BinaryTypes.String
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		refs := s.take(buf)
		defer refs.Release()
		out := newText(f, n)
		defer out.release()
		named := make([]bool, n)
		for i := range n {
			name, ok, err := f.refName(loadBytes(refs.Bytes()[i*size:i*size+used], false))
			if err == nil {
				err = out.add(f, i, []byte(name))
			}
			if err != nil {
				return nil, failed(i, err)
			}
			named[i] = ok
		}
		out.valid, _ = validity(f.mem, n, nil, func(i int) bool { return named[i] })
		return out.finish(typ, n), nil
	}}, nil
}

func (f *finisher) refName(addr uint64) (string, bool, error) {
	if addr == 0 {
		return "", false, nil
	}
	if f.resolver == nil {
		return "", false, errNoResolver
	}
	name, ok, err := f.resolver.RefName(addr)
	if !ok {
		name = ""
	}
	return name, ok, err
}

// pointer is what an element of variable length holds (section IV.A.2.d, class 9; III.E): a length, the address of a
// global heap collection and an index in it. With the address 0 it is null.
type pointer struct {
	length uint32
	addr   uint64
	index  uint32
}

func readPointer(b []byte, offsetSize int) pointer {
	return pointer{
		length: binary.LittleEndian.Uint32(b),
		addr:   loadBytes(b[4:4+offsetSize], false),
		index:  binary.LittleEndian.Uint32(b[4+offsetSize:]),
	}
}
