package filter

import (
	"encoding/binary"
	"errors"
)

// msgpack reads the few types of https://github.com/msgpack/msgpack/blob/master/spec.md that Blosc2 writes. After an
// error everything is zero.
type msgpack struct {
	rest []byte
	err  error
}

// take returns the next n bytes.
func (p *msgpack) take(n int) []byte {
	if n < 0 || n > len(p.rest) {
		p.fail()
		return make([]byte, 8)
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *msgpack) fail() {
	if p.err == nil {
		p.err = errors.New("damaged metadata of the frame")
	}
	p.rest = nil
}

// uint reads an integer of any width that isn't negative.
func (p *msgpack) uint() uint64 {
	var v uint64
	switch t := p.take(1)[0]; {
	case t < 0x80:
		return uint64(t)
	case t == 0xcc:
		v = uint64(p.take(1)[0])
	case t == 0xcd || t == 0xd1:
		v = uint64(binary.BigEndian.Uint16(p.take(2)))
	case t == 0xce || t == 0xd2:
		v = uint64(binary.BigEndian.Uint32(p.take(4)))
	case t == 0xcf || t == 0xd3:
		v = binary.BigEndian.Uint64(p.take(8))
	default:
		p.fail()
	}
	return v
}

// array reads the head of an array and returns its length.
func (p *msgpack) array() int {
	switch t := p.take(1)[0]; {
	case t>>4 == 9:
		return int(t & 15)
	case t == 0xdc:
		return int(binary.BigEndian.Uint16(p.take(2)))
	}
	p.fail()
	return 0
}

// mapLen reads the head of a map and returns its length.
func (p *msgpack) mapLen() int {
	switch t := p.take(1)[0]; {
	case t>>4 == 8:
		return int(t & 15)
	case t == 0xde:
		return int(binary.BigEndian.Uint16(p.take(2)))
	}
	p.fail()
	return 0
}

// str reads a short string.
func (p *msgpack) str() string {
	t := p.take(1)[0]
	if t>>5 != 5 {
		p.fail()
		return ""
	}
	return string(p.take(int(t & 31)))
}

// bin reads bytes.
func (p *msgpack) bin() []byte {
	if p.take(1)[0] != 0xc6 {
		p.fail()
		return nil
	}
	n := binary.BigEndian.Uint32(p.take(4))
	if uint64(n) > uint64(len(p.rest)) {
		p.fail()
		return nil
	}
	return p.take(int(n))
}
