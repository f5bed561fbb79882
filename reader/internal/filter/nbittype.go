package filter

import (
	"errors"
	"fmt"

	"github.com/mtflight/mtflight/internal/fault"
)

// nbitMaxDepth is how deep types nest, nbitMaxSize how many bytes one has at most: far above what is stored.
const (
	nbitMaxDepth = 32
	nbitMaxSize  = 1 << 24
)

// nbitParser reads a type from the filter's values. After an error it returns zeros.
type nbitParser struct {
	rest []uint32
	err  error
}

func (p *nbitParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.rest = nil
}

func (p *nbitParser) value() int {
	if len(p.rest) == 0 {
		p.fail("the description of the type is cut short")
		return 0
	}
	v := p.rest[0]
	p.rest = p.rest[1:]
	if v > nbitMaxSize {
		p.fail("the description of the type contains %d", v)
		return 0
	}
	return int(v)
}

// next reads a class and the description that belongs to it.
func (p *nbitParser) next(depth int) nbitType {
	t := nbitType{class: p.value(), size: p.value()}
	if p.err == nil && (t.size == 0 || depth == 0) {
		p.err = errors.New("a type is empty or nests too deep")
	}
	if p.err != nil {
		return t
	}
	switch t.class {
	case nbitAtomic:
		p.atomic(&t)
	case nbitArray:
		p.array(&t, depth)
	case nbitCompound:
		p.compound(&t, depth)
	case nbitOpaque:
		t.bits = 8 * t.size
	default:
		p.fail("unknown class %d", t.class)
	}
	return t
}

func (p *nbitParser) atomic(t *nbitType) {
	t.bigEndian = p.value() == 1
	t.precision, t.shift = p.value(), p.value()
	t.bits = t.precision
	if p.err == nil && (t.precision == 0 || t.precision+t.shift > 8*t.size) {
		p.fail("%d bits from bit %d in %d bytes", t.precision, t.shift, t.size)
	}
}

func (p *nbitParser) array(t *nbitType, depth int) {
	part := p.next(depth - 1)
	if p.err != nil {
		return
	}
	if part.class == nbitOpaque { // its size is that of the base type; the whole array is copied
		part.size, part.bits = t.size, 8*t.size
	}
	t.count = t.size / part.size
	t.bits, t.parts = t.count*part.bits, []nbitType{part}
}

func (p *nbitParser) compound(t *nbitType, depth int) {
	used := 0
	for range p.value() {
		if p.err == nil && t.nested() {
			p.err = fault.New(fault.Unsupported, "members after an array of compounds, which libhdf5 packs wrongly")
		}
		offset := p.value()
		m := p.next(depth - 1)
		if p.err != nil {
			return
		}
		m.offset = offset
		if used += m.size; used > t.size || offset+m.size > t.size {
			p.fail("members exceed the compound's %d bytes", t.size)
			return
		}
		t.bits += m.bits
		t.parts = append(t.parts, m)
	}
}

// nested says whether a compound's last member so far is an array of compounds or arrays. libhdf5 forgets to step over
// that one's description, so that what it packs after it can be read by nobody, libhdf5 included.
func (t *nbitType) nested() bool {
	if len(t.parts) == 0 {
		return false
	}
	last := t.parts[len(t.parts)-1]
	return last.class == nbitArray && (last.parts[0].class == nbitArray || last.parts[0].class == nbitCompound)
}
