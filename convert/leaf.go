package convert

import "slices"

// A leaf moves one primitive part of an element, all its repetitions included, into one buffer.
//
// A block is as many of its values as lie side by side both in the element and in the buffer; loops say where the
// blocks are. Most leaves are one block of one value without a loop.
type leaf struct {
	buf           int    // the store's buffer
	src, dst      int    // where the first block lies in the element, and in the element's part of the buffer
	loops         []loop // outermost first
	values        int    // of a block
	size, out     int    // bytes of a value in the file and in the buffer
	kind          moving
	convert       kernel // where kind is converted
	width, outLen int    // bytes of a block in the file and in the buffer
}

// loop repeats a block; src and dst are the distances between its repetitions.
type loop struct{ count, src, dst int }

// moving is what becomes of a value's bytes.
type moving uint8

const (
	copied    moving = iota
	swapped          // reversed
	converted        // by the leaf's kernel
)

// A kernel converts n values lying side by side. It must not keep its arguments, and runs in many goroutines.
type kernel func(dst, src []byte, n int)

// value is how one value of the file becomes one of a buffer.
type value struct {
	size, out int
	kind      moving
	convert   kernel
}

func plainBytes(size int) value { return value{size: size, out: size} }

// fold makes neighbouring repetitions part of the block.
func (l *leaf) fold() {
	l.values = 1
	l.width, l.outLen = l.size, l.out
	for n := len(l.loops); n > 0; n = len(l.loops) {
		in := l.loops[n-1]
		if in.count != 1 && (in.src != l.width || in.dst != l.outLen) {
			break
		}
		l.values *= in.count
		l.width *= in.count
		l.outLen *= in.count
		l.loops = l.loops[:n-1]
	}
	l.loops = slices.Clone(l.loops)
}

// each calls f with the places of every block, relative to the element and to its part of the buffer.
func (l *leaf) each(f func(src, dst int)) {
	if len(l.loops) == 0 {
		f(l.src, l.dst)
		return
	}
	repeat(l.loops, l.src, l.dst, f)
}

// repeat goes as deep as types may nest.
func repeat(loops []loop, src, dst int, f func(src, dst int)) {
	if len(loops) == 0 {
		f(src, dst)
		return
	}
	for i := range loops[0].count {
		repeat(loops[1:], src+i*loops[0].src, dst+i*loops[0].dst, f)
	}
}

// ranges appends the bytes of an element that the leaf reads. Where those are very many parts it is what spans them.
func (l *leaf) ranges(out [][2]int) [][2]int {
	const many = 1 << 10
	count, last := 1, l.src
	for _, r := range l.loops {
		count = min(count*r.count, many+1)
		last += (r.count - 1) * r.src
	}
	switch {
	case count == 0 || l.values == 0:
		return out
	case count > many:
		return append(out, [2]int{l.src, last + l.width})
	}
	l.each(func(src, _ int) { out = append(out, [2]int{src, src + l.width}) })
	return out
}
