package h5file

import (
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// MessageType is the type of a header message (section IV.A.2).
type MessageType uint16

// The header messages that are of interest.
const (
	MsgSpace         MessageType = 0x01
	MsgLinkInfo      MessageType = 0x02 // where a group's links are that are not in its header
	MsgType          MessageType = 0x03
	MsgOldFill       MessageType = 0x04
	MsgFill          MessageType = 0x05
	MsgLink          MessageType = 0x06
	MsgExternal      MessageType = 0x07
	MsgLayout        MessageType = 0x08
	MsgFilters       MessageType = 0x0b
	MsgAttribute     MessageType = 0x0c
	MsgComment       MessageType = 0x0d
	MsgSharedTable   MessageType = 0x0f
	MsgSymbolTable   MessageType = 0x11 // of a group of the old kind
	MsgAttributeInfo MessageType = 0x15 // where an object's attributes are that are not in its header
	MsgImage         MessageType = 0x18

	msgNil          MessageType = 0x00
	msgContinuation MessageType = 0x10
	msgLast         MessageType = 0x1b // no later one is known
)

// SharedFlag is set in the flags of a message whose bytes only say where the message is.
const SharedFlag = 0x02

// mustKnow is set where an object is not to be used by who does not know the message.
const mustKnow = 0x80

// maxShared bounds how often a shared message may lead to another.
const maxShared = 4

// maxHeader bounds the bytes of one object's messages. Messages are below 64 KiB; libhdf5 moves the ninth attribute of a
// newer object into a heap, older objects may have any number.
const maxHeader = 64 << 20

// Message is a header message.
type Message struct {
	Type  MessageType
	Flags uint8
	Data  []byte // own copy
}

// Header is the messages of one object, in their order in the file. It is immutable.
type Header struct {
	Addr     uint64 // relative to the base address
	Messages []Message
	Bytes    int // of all messages
}

// first is the first message of a type; without data where there is none.
func (h *Header) first(t MessageType) Message {
	for _, m := range h.Messages {
		if m.Type == t {
			return m
		}
	}
	return Message{}
}

// Has tells whether there is a message of a type.
func (h *Header) Has(t MessageType) bool {
	return slices.ContainsFunc(h.Messages, func(m Message) bool { return m.Type == t })
}

type piece struct{ addr, size uint64 }

// parser walks the pieces of an object header: the first, then each continuation.
type parser struct {
	s      *Source
	out    *Header
	v2     bool
	order  bool // version 2 messages carry a creation order
	pieces []piece
	seen   map[uint64]bool
}

// Header reads the object header at addr, version 1 or 2 (section IV.A.1). It fails with fault.DataLoss where there is
// none or it is damaged, with fault.Unsupported where it has what only later libraries know.
func (s *Source) Header(addr uint64) (*Header, error) {
	p := &parser{s: s, out: &Header{Addr: addr}, seen: map[uint64]bool{}}
	if err := p.parse(addr); err != nil {
		return nil, err
	}
	return p.out, nil
}

func (p *parser) parse(addr uint64) error {
	b, err := p.s.At(addr, 4)
	if err != nil {
		return err
	}
	switch {
	case string(b) == "OHDR":
		err = p.first2(addr)
	case b[0] == 1:
		err = p.first1(addr)
	default:
		err = fault.New(fault.DataLoss, "h5file: read object header at %#x: none there", addr)
	}
	for err == nil && len(p.pieces) > 0 {
		next := p.pieces[0]
		p.pieces = p.pieces[1:]
		err = p.continuation(next)
	}
	return err
}

func (p *parser) first1(addr uint64) error {
	b, err := p.s.At(addr, 16)
	if err != nil {
		return err
	}
	c := p.s.File.Cursor(b)
	c.Skip(8)
	size := uint64(c.U32())
	if b, err = p.s.At(addr+16, size); err != nil {
		return err
	}
	return p.messages(b)
}

func (p *parser) first2(addr uint64) error {
	b, err := p.s.At(addr, 6)
	if err != nil {
		return err
	}
	version, flags := b[4], b[5]
	if version != 2 {
		return fault.New(fault.Unsupported, "h5file: read object header at %#x: version %d", addr, version)
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
	if b, err = p.s.At(addr, prefix+width); err != nil {
		return err
	}
	size := p.s.File.Cursor(b[prefix:]).Uint(int(width))
	if size > p.s.File.size {
		return p.s.File.beyond(addr, size)
	}
	prefix += width
	if b, err = p.s.Block(addr, prefix+size+4, "OHDR"); err != nil {
		return err
	}
	return p.messages(b[prefix : prefix+size])
}

func (p *parser) continuation(at piece) error {
	if p.seen[at.addr] {
		return fault.New(fault.DataLoss, "h5file: read object header: its continuation at %#x comes twice", at.addr)
	}
	p.seen[at.addr] = true
	if !p.v2 {
		b, err := p.s.At(at.addr, at.size)
		if err != nil {
			return err
		}
		return p.messages(b)
	}
	if at.size < 8 {
		return fault.New(fault.DataLoss, "h5file: read object header: continuation of %d bytes at %#x", at.size, at.addr)
	}
	b, err := p.s.Block(at.addr, at.size, "OCHK")
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
		c := p.s.File.Cursor(b)
		m := Message{}
		if p.v2 {
			m.Type = MessageType(c.U8())
		} else {
			m.Type = MessageType(c.U16())
		}
		size := int(c.U16())
		m.Flags = c.U8()
		if b = b[head:]; size > len(b) {
			return fault.New(fault.DataLoss, "h5file: read object header: message %#x of %d bytes exceeds the header", m.Type, size)
		}
		m.Data = b[:size]
		if err := p.message(m); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func (p *parser) message(m Message) error {
	switch {
	case m.Type == msgNil:
		return nil
	case m.Type == msgContinuation:
		c := p.s.File.Cursor(m.Data)
		next := piece{c.Addr(), c.Length()}
		if c.Short {
			return fault.New(fault.DataLoss, "h5file: read object header: continuation message is cut off")
		}
		p.pieces = append(p.pieces, next)
		return nil
	case m.Type > msgLast && m.Flags&mustKnow != 0:
		return fault.New(fault.Unsupported, "h5file: read object header at %#x: message %#x, which must be known to use the object", p.out.Addr, m.Type)
	}
	if p.out.Bytes += len(m.Data); p.out.Bytes > maxHeader {
		return fault.New(fault.Unsupported, "h5file: read object header at %#x: more than %d bytes of messages", p.out.Addr, maxHeader)
	}
	m.Data = slices.Clone(m.Data)
	p.out.Messages = append(p.out.Messages, m)
	return nil
}

// Find returns the bytes of the first message of a type wherever they are; nil if the header has none.
func (s *Source) Find(h *Header, t MessageType) ([]byte, error) {
	return s.Resolve(h.first(t))
}

// Resolve returns a message's bytes wherever they are: in it, in another object's header, or in the file's heap of
// shared messages (section IV.A.2, shared messages). They are not to be changed. Types and attributes are what many share:
// they are read once.
func (s *Source) Resolve(m Message) ([]byte, error) {
	if m.Flags&SharedFlag == 0 || m.Type != MsgType && m.Type != MsgAttribute {
		return s.resolve(m)
	}
	key := string(append([]byte{byte(m.Type)}, m.Data...))
	if b, ok := s.resolved[key]; ok {
		return b, nil
	}
	b, err := s.resolve(m)
	if err != nil {
		return nil, err
	}
	if s.resolved == nil {
		s.resolved = map[string][]byte{}
	}
	s.resolved[key] = b
	return b, nil
}

func (s *Source) resolve(m Message) ([]byte, error) {
	for range maxShared {
		if m.Flags&SharedFlag == 0 {
			return m.Data, nil
		}
		addr, heapID, err := s.sharedAt(m.Data)
		if err != nil {
			return nil, err
		}
		if heapID != nil {
			return s.sharedMessage(m.Type, heapID)
		}
		h, err := s.Header(addr)
		if err != nil {
			return nil, err
		}
		if !h.Has(m.Type) {
			return nil, fault.New(fault.DataLoss, "h5file: read object header at %#x: it lacks the shared message %#x", addr, m.Type)
		}
		m = h.first(m.Type)
	}
	return nil, fault.New(fault.DataLoss, "h5file: read shared message %#x: it leads to another more than %d times", m.Type, maxShared)
}

// sharedAt decodes a reference: to another object's header, or an id in the file's heap of shared messages.
func (s *Source) sharedAt(b []byte) (addr uint64, heapID []byte, err error) {
	c := s.File.Cursor(b)
	version, kind := c.U8(), c.U8()
	switch {
	case version == 1:
		c.Skip(6)
		c.Length()
		addr = c.Addr()
	case version == 3 && kind == 1:
		heapID = c.Bytes(8)
	case version == 2 || version == 3:
		addr = c.Addr()
	default:
		return 0, nil, fault.New(fault.DataLoss, "h5file: read shared message: version %d", version)
	}
	if c.Short {
		return 0, nil, fault.New(fault.DataLoss, "h5file: read shared message: reference is cut off")
	}
	return addr, heapID, nil
}
