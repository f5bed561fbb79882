package chunkindex

import (
	"bytes"

	"github.com/mtflight/mtflight/internal/fault"
)

// Attribute is an attribute as an object's header has it (IV.A.2.m).
type Attribute struct {
	Name  string
	Type  []byte // the datatype message, of the committed type if it is one: h5type.Parse
	Space Space
	Data  []byte // the elements, in the file's type
	Err   error  // why Type, Space and Data are not known
}

// maxAttributes bounds the bytes of an object's attributes.
const maxAttributes = 16 << 20

// Attributes parses the attributes of the object at addr, relative to f.Base, in the order of its header. Those that lie
// in a heap are fault.Unsupported.
func (f *File) Attributes(addr uint64) ([]Attribute, error) {
	s := f.source()
	p := &parser{s: s, msgs: header{}, seen: map[uint64]bool{}, listed: true}
	if err := p.parse(addr); err != nil {
		return nil, err
	}
	c := f.cursor(p.msgs[msgAttributes].data)
	c.skip(1)
	if ordered := c.u8()&1 != 0; ordered {
		c.skip(2)
	}
	if heap := c.addr(); !c.short && heap != Undefined {
		return nil, fault.New(fault.Unsupported, "chunkindex: read attributes of object at %#x: they lie in a heap", addr)
	}
	out := make([]Attribute, len(p.attrs))
	for i, m := range p.attrs {
		b, err := s.get(header{msgAttribute: m}, msgAttribute)
		if err != nil {
			return nil, err
		}
		out[i] = s.attribute(b)
	}
	return out, nil
}

// attribute takes a message apart: the sizes of its parts, then these. Version 1 pads them.
func (s *source) attribute(b []byte) (a Attribute) {
	c := s.f.cursor(b)
	version, flags := c.u8(), c.u8()
	sizes := [3]uint64{uint64(c.u16()), uint64(c.u16()), uint64(c.u16())}
	if version == 3 {
		c.skip(1) // the name's encoding
	}
	var parts [3][]byte
	for i, n := range sizes {
		parts[i] = c.bytes(n)
		if version == 1 {
			c.skip(int(-n & 7))
		}
	}
	if version < 1 || version > 3 || c.short {
		a.Err = cutOff("attribute")
		return a
	}
	name, _, _ := bytes.Cut(parts[0], []byte{0})
	a.Name, a.Data = string(name), c.b
	if version == 1 {
		flags = 0
	}
	if a.Type, a.Err = s.shared(msgType, flags&1 != 0, parts[1]); a.Err != nil {
		return a
	}
	var o Object
	if parts[2], a.Err = s.shared(msgSpace, flags&2 != 0, parts[2]); a.Err == nil {
		a.Err = parseSpace(s, &o, parts[2])
	}
	a.Space = o.Space
	return a
}

// shared is a message's bytes, wherever they are.
func (s *source) shared(typ uint16, is bool, b []byte) ([]byte, error) {
	if !is {
		return b, nil
	}
	return s.get(header{typ: message{sharedFlag, b}}, typ)
}
