package chunkindex

import (
	"github.com/mtflight/mtflight/internal/fault"
)

// Header messages that say where and how data is stored (section IV.A.2).
const (
	msgSpace        = 0x01
	msgType         = 0x03
	msgOldFill      = 0x04
	msgFill         = 0x05
	msgExternal     = 0x07
	msgLayout       = 0x08
	msgFilters      = 0x0b
	msgAttribute    = 0x0c
	msgSharedTable  = 0x0f
	msgContinuation = 0x10
	msgAttributes   = 0x15 // where an object's attributes are that are not in its header
)

const sharedFlag = 0x02

// maxShared bounds how often a shared message may lead to another.
const maxShared = 4

type message struct {
	flags uint8
	data  []byte // own copy
}

// header is the messages of interest of one object header, the first of each type.
type header map[uint16]message

type piece struct{ addr, size uint64 }

// parser walks the pieces of an object header: the first, then each continuation.
type parser struct {
	s      *source
	v2     bool
	order  bool // version 2 messages carry a creation order
	msgs   header
	listed bool      // attributes are wanted too
	attrs  []message // all of them
	bytes  int       // of attrs
	pieces []piece
	seen   map[uint64]bool
}

// header reads the object header at addr, version 1 or 2 (section IV.A.1).
func (s *source) header(addr uint64) (header, error) {
	p := &parser{s: s, msgs: header{}, seen: map[uint64]bool{}}
	return p.msgs, p.parse(addr)
}

func (p *parser) parse(addr uint64) error {
	b, err := p.s.at(addr, 4)
	if err != nil {
		return err
	}
	switch {
	case string(b) == "OHDR":
		err = p.first2(addr)
	case b[0] == 1:
		err = p.first1(addr)
	default:
		err = fault.New(fault.DataLoss, "chunkindex: read object header at %#x: none there", addr)
	}
	for err == nil && len(p.pieces) > 0 {
		next := p.pieces[0]
		p.pieces = p.pieces[1:]
		err = p.continuation(next)
	}
	return err
}

func (p *parser) first1(addr uint64) error {
	b, err := p.s.at(addr, 16)
	if err != nil {
		return err
	}
	c := p.s.f.cursor(b)
	c.skip(8)
	size := uint64(c.u32())
	if b, err = p.s.at(addr+16, size); err != nil {
		return err
	}
	return p.messages(b)
}

func (p *parser) first2(addr uint64) error {
	b, err := p.s.at(addr, 6)
	if err != nil {
		return err
	}
	version, flags := b[4], b[5]
	if version != 2 {
		return fault.New(fault.Unsupported, "chunkindex: read object header at %#x: version %d", addr, version)
	}
	p.v2, p.order = true, flags&4 != 0
	prefix := uint64(6)
	if flags&0x20 != 0 {
		prefix += 16 // times
	}
	if flags&0x10 != 0 {
		prefix += 4 // attribute phase change
	}
	width := uint64(1) << (flags & 3)
	if b, err = p.s.at(addr, prefix+width); err != nil {
		return err
	}
	size := p.s.f.cursor(b[prefix:]).uint(int(width))
	if size > p.s.f.size {
		return p.s.f.beyond(addr, size)
	}
	prefix += width
	if b, err = p.s.block(addr, prefix+size+4, "OHDR"); err != nil {
		return err
	}
	return p.messages(b[prefix : prefix+size])
}

func (p *parser) continuation(at piece) error {
	if p.seen[at.addr] {
		return fault.New(fault.DataLoss, "chunkindex: read object header: its continuation at %#x comes twice", at.addr)
	}
	p.seen[at.addr] = true
	if !p.v2 {
		b, err := p.s.at(at.addr, at.size)
		if err != nil {
			return err
		}
		return p.messages(b)
	}
	if at.size < 8 {
		return fault.New(fault.DataLoss, "chunkindex: read object header: continuation of %d bytes at %#x", at.size, at.addr)
	}
	b, err := p.s.block(at.addr, at.size, "OCHK")
	if err != nil {
		return err
	}
	return p.messages(b[4 : len(b)-4])
}

// messages takes one piece apart. A rest too small for a message is a gap.
func (p *parser) messages(b []byte) error {
	head := 8
	if p.v2 {
		head = 4
		if p.order {
			head = 6
		}
	}
	for len(b) >= head {
		c := p.s.f.cursor(b)
		typ := uint16(0)
		if p.v2 {
			typ = uint16(c.u8())
		} else {
			typ = c.u16()
		}
		size := int(c.u16())
		flags := c.u8()
		if b = b[head:]; size > len(b) {
			return fault.New(fault.DataLoss, "chunkindex: read object header: message %#x of %d bytes exceeds the header", typ, size)
		}
		if err := p.message(typ, flags, b[:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func (p *parser) message(typ uint16, flags uint8, data []byte) error {
	switch typ {
	case msgContinuation:
		c := p.s.f.cursor(data)
		next := piece{c.addr(), c.length()}
		if c.short {
			return fault.New(fault.DataLoss, "chunkindex: read object header: continuation message is cut off")
		}
		p.pieces = append(p.pieces, next)
	case msgAttribute:
		if p.listed {
			if p.bytes += len(data); p.bytes > maxAttributes {
				return fault.New(fault.Unsupported, "chunkindex: read object header: more than %d bytes of attributes", maxAttributes)
			}
			p.attrs = append(p.attrs, message{flags, append([]byte(nil), data...)})
		}
	case msgSpace, msgType, msgOldFill, msgFill, msgExternal, msgLayout, msgFilters, msgSharedTable, msgImage, msgAttributes:
		if _, have := p.msgs[typ]; !have {
			p.msgs[typ] = message{flags, append([]byte(nil), data...)}
		}
	}
	return nil
}

// get returns a message's bytes wherever they are (section IV.A.2, shared messages); nil if the header has none.
func (s *source) get(h header, typ uint16) ([]byte, error) {
	for range maxShared {
		m, ok := h[typ]
		if !ok || m.flags&sharedFlag == 0 {
			return m.data, nil
		}
		addr, heapID, err := s.sharedAt(m.data)
		if err != nil {
			return nil, err
		}
		if heapID != nil {
			return s.fromSharedHeap(typ, heapID)
		}
		if h, err = s.header(addr); err != nil {
			return nil, err
		}
		if _, ok := h[typ]; !ok {
			return nil, fault.New(fault.DataLoss, "chunkindex: read object header at %#x: it lacks the shared message %#x", addr, typ)
		}
	}
	return nil, fault.New(fault.DataLoss, "chunkindex: read shared message %#x: it leads to another more than %d times", typ, maxShared)
}

// sharedAt decodes a reference: to another object's header, or an id in the file's heap of shared messages.
func (s *source) sharedAt(b []byte) (addr uint64, heapID []byte, err error) {
	c := s.f.cursor(b)
	version, kind := c.u8(), c.u8()
	switch {
	case version == 1:
		c.skip(6)
		c.length()
		addr = c.addr()
	case version == 3 && kind == 1:
		heapID = c.bytes(8)
	case version == 2 || version == 3:
		addr = c.addr()
	default:
		return 0, nil, fault.New(fault.DataLoss, "chunkindex: read shared message: version %d", version)
	}
	if c.short {
		return 0, nil, fault.New(fault.DataLoss, "chunkindex: read shared message: reference is cut off")
	}
	return addr, heapID, nil
}
