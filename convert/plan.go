package convert

import (
	"math"
	"slices"
)

// A plan is what a store needs to know about elements of one type: immutable, shared by goroutines.
type plan struct {
	size   int    // bytes of an element in the file
	bufs   []int  // bytes per element in each buffer
	leaves []leaf // in the element's order where it matters
	reach  int    // bytes of an element up to the last one that a leaf reads
	direct bool   // elements are kept as they lie in the file, byte for byte
	extra  int64  // bytes per element that finishing allocates besides the buffers, at most; if 0 it does not look at them

	resolver bool // some data lies elsewhere in the file
}

// covered reports whether the elements have all bytes that the leaves read. There is at least one element.
func (p *plan) covered(e Elems) bool {
	switch e.Planes {
	case 0:
	case e.N:
		return len(e.Data)/e.N >= p.reach
	default:
		return len(e.Data)/e.Size >= e.N
	}
	return len(e.Data) >= p.reach && (len(e.Data)-p.reach)/e.Size >= e.N-1
}

// seal ends the plan's making.
func (p *plan) seal() *plan {
	for i := range p.leaves {
		for _, r := range p.leaves[i].ranges(nil) {
			p.reach = max(p.reach, r[1])
		}
	}
	p.direct = p.untouched()
	return p
}

func (p *plan) untouched() bool {
	if len(p.leaves) != 1 || len(p.bufs) != 1 || p.size == 0 {
		return false
	}
	l := &p.leaves[0]
	return l.kind == copied && len(l.loops) == 0 && l.src == 0 && l.dst == 0 && l.width == p.size && p.bufs[0] == p.size
}

// out is the bytes per element in all buffers, saturating.
func (p *plan) out() int64 {
	n := p.extra
	for _, b := range p.bufs {
		n = addSat(n, int64(b))
	}
	return n
}

func addSat(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func mulSat(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}

// position is where the compiler is inside an element: the offset of the type at hand and the arrays around it.
type position struct {
	src, dst int
	loops    []loop
}

func (p position) member(src, dst int) position {
	p.src += src
	p.dst += dst
	return p
}

func (p position) repeat(count, src, dst int) position {
	p.loops = append(slices.Clip(p.loops), loop{count, src, dst})
	return p
}

// count is how many values there are in an element.
func (p position) count() int {
	n := 1
	for _, l := range p.loops {
		n *= l.count
	}
	return n
}

// column adds a buffer of nothing but the values at a position, and gives its number.
func (p *plan) column(at position, v value) int {
	loops, dist := slices.Clone(at.loops), v.out
	for i := len(loops) - 1; i >= 0; i-- {
		loops[i].dst = dist
		dist *= loops[i].count
	}
	p.bufs = append(p.bufs, dist)
	l := leaf{buf: len(p.bufs) - 1, src: at.src, loops: loops, size: v.size, out: v.out, kind: v.kind, convert: v.convert}
	l.fold()
	p.leaves = append(p.leaves, l)
	return l.buf
}

// spend notes that finishing allocates bytes per value at a position.
func (p *plan) spend(at position, bytes int) {
	p.extra = addSat(p.extra, mulSat(int64(at.count()), int64(bytes)))
}

// place adds values to rows: buffer 0, where position.dst and its loops say.
func (p *plan) place(at position, v value) {
	l := leaf{src: at.src, dst: at.dst, loops: slices.Clone(at.loops), size: v.size, out: v.out, kind: v.kind, convert: v.convert}
	l.fold()
	if n := len(p.leaves); n > 0 && p.leaves[n-1].joins(&l) {
		last := &p.leaves[n-1]
		last.values, last.size, last.out = 1, last.width+l.width, last.width+l.width
		last.width, last.outLen = last.size, last.out
		return
	}
	p.leaves = append(p.leaves, l)
}

// joins reports whether the next leaf goes on where this one ends, both copied.
func (l *leaf) joins(next *leaf) bool {
	return l.kind == copied && next.kind == copied && len(l.loops)+len(next.loops) == 0 &&
		l.src+l.width == next.src && l.dst+l.outLen == next.dst
}
