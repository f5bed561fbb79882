package convert

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// reference: of an object, its path; of a region, the bytes.
func (c *compiler) reference(t *h5type.Type, at position) (*node, error) {
	switch t.RefKind {
	case h5type.RefRegion:
		return c.numbers(&arrow.FixedSizeBinaryType{ByteWidth: t.Size}, plainBytes(t.Size), at), nil
	case h5type.RefObject, h5type.RefObject2:
		return c.objectRef(t, at)
	}
	return nil, unsupported("reference of kind %d", t.RefKind)
}

func (c *compiler) checkOffsetSize() error {
	switch c.offsetSize {
	case 2, 4, 8:
		return nil
	}
	return unsupported("addresses of %d bytes", c.offsetSize)
}

// ObjectRef is the address of the object that an element of a reference type leads to, 0 for a null reference; addresses
// have offsetSize bytes. HDF5 1.12's references (H5T_STD_REF) are a kind, flags, and of an object of the same file a token
// after its length, which is its address; others lie in the heap behind a length, and a null one has neither kind nor heap
// (libhdf5's H5T__ref_disk_isnull, H5R__encode). Errors: fault.Unsupported for references to regions, to attributes and into
// other files, fault.DataLoss.
func ObjectRef(t *h5type.Type, src []byte, offsetSize int) (uint64, error) {
	switch {
	case t.Size < refSize(t, offsetSize):
		return 0, unsupported("object reference of %d bytes", t.Size)
	case t.RefKind == h5type.RefObject:
		return loadBytes(src[:offsetSize], false), nil
	}
	kind, flags, n := h5type.RefKind(src[0]), src[1], int(src[2])
	switch {
	case kind == 0 && loadBytes(src[6:6+offsetSize], false) == 0:
		return 0, nil
	case kind == h5type.RefRegion2 || kind == h5type.RefAttr:
		return 0, unsupported("a reference of HDF5 1.12 to a region or an attribute")
	case kind != h5type.RefObject2:
		return 0, fault.New(fault.DataLoss, "a reference of kind %d", kind)
	case flags&1 != 0:
		return 0, unsupported("a reference into another file")
	case n > 8 || n < offsetSize:
		return 0, fault.New(fault.DataLoss, "a reference whose token has %d bytes", n)
	}
	return loadBytes(src[3:3+n], false), nil
}

// refSize is the least size of a reference to an object.
func refSize(t *h5type.Type, offsetSize int) int {
	if t.RefKind == h5type.RefObject2 {
		return max(2+4+offsetSize+4, 3+8) // where others are in the heap; the longest token
	}
	return offsetSize
}

// objectRef reads addresses (section IV.A.2.d, class 7) and asks for the names of what lies there. A null reference,
// and one to something without a name, is null.
func (c *compiler) objectRef(t *h5type.Type, at position) (*node, error) {
	if err := c.checkOffsetSize(); err != nil {
		return nil, err
	}
	if t.Size < refSize(t, c.offsetSize) {
		return nil, unsupported("object reference of %d bytes", t.Size)
	}
	c.plan.resolver = true
	buf := c.plan.column(at, plainBytes(t.Size))
	c.plan.spend(at, 5)
	typ := arrow.BinaryTypes.String
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		refs := s.take(buf)
		defer refs.Release()
		out := newText(f, n)
		defer out.release()
		named := make([]bool, n)
		for i := range n {
			name, ok, err := f.refName(t, refs.Bytes()[i*t.Size:(i+1)*t.Size], c.offsetSize)
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

func (f *finisher) refName(t *h5type.Type, ref []byte, offsetSize int) (string, bool, error) {
	addr, err := ObjectRef(t, ref, offsetSize)
	if addr == 0 || err != nil {
		return "", false, err
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
