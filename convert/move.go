package convert

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"

	"github.com/mtflight/mtflight/convert/internal/planes"
)

// Elems are N elements of Size bytes: one after the other, or, if Planes is not 0, as shuffle filters leave them: Planes
// elements at a time, the last ones maybe fewer, as planes of bytes, byte k of element i of n at k*n+i. They are only
// read. Data may end after the last byte that Ranges names, unless there are several groups of planes.
type Elems struct {
	Data    []byte
	N, Size int
	Planes  int
}

// group is the elements that lie as planes together with element i, and the number of the first of them.
func (e Elems) group(i int) (g Elems, first int) {
	first = i / e.Planes * e.Planes
	n := min(e.Planes, e.N-first)
	if n < e.N {
		e.Data = e.Data[first*e.Size : (first+n)*e.Size]
	}
	return Elems{Data: e.Data, N: n, Size: e.Size, Planes: n}, first
}

// put converts the leaf's values of a run of elements, all of one group. The bounds have been checked.
func (l *leaf) put(buf []byte, stride int, e Elems, r run) {
	if l.width == 0 {
		return
	}
	l.each(func(src, dst int) {
		dst += r.dst * stride
		backwards := e.Planes > 0 && r.srcStep == 1 && r.step < 0 // the kernels go forward only
		if !backwards && (l.kind == copied || l.kind == swapped && l.values == 1) {
			fetch(buf, dst, r.step*stride, e, src, l.width, r, l.kind == swapped)
			return
		}
		l.putStaged(buf, dst, r.step*stride, e, src, r)
	})
}

// putStaged brings some blocks at a time side by side, converts them there and takes them to where they belong.
func (l *leaf) putStaged(buf []byte, dst, dstStep int, e Elems, src int, r run) {
	tmp := scratches.Get().(*scratch)
	defer tmp.free()
	most := tmp.ready(l.width, l.outLen)
	for done := 0; done < r.n; done += most {
		n := min(most, r.n-done)
		part := run{first: r.first + done*r.srcStep, srcStep: r.srcStep, step: 1, n: n}
		fetch(tmp.in, 0, l.width, e, src, l.width, part, false)
		l.deliver(buf, dst+done*dstStep, dstStep, tmp, n)
	}
}

// deliver converts n blocks of tmp.in and takes them to their places.
func (l *leaf) deliver(buf []byte, dst, dstStep int, tmp *scratch, n int) {
	if l.kind == converted && dstStep == l.outLen {
		l.convert(buf[dst:dst+n*l.outLen], tmp.in, n*l.values)
		return
	}
	strided(buf, dst, dstStep, l.apply(tmp, n), 0, l.outLen, l.outLen, n, false)
}

// apply converts n blocks of tmp.in and gives where they are then.
func (l *leaf) apply(tmp *scratch, n int) []byte {
	switch l.kind {
	case converted:
		l.convert(tmp.out, tmp.in, n*l.values)
		return tmp.out
	case swapped:
		for i := 0; i < n*l.width; i += l.size {
			slices.Reverse(tmp.in[i : i+l.size])
		}
	}
	return tmp.in
}

// gather converts the leaf's values of any elements to any places. The bounds have been checked.
func (l *leaf) gather(buf []byte, stride int, e Elems, dst, src []int32) {
	if l.width == 0 {
		return
	}
	tmp := scratches.Get().(*scratch)
	defer tmp.free()
	most := tmp.ready(l.width, l.outLen)
	l.each(func(srcAt, dstAt int) {
		for done := 0; done < len(src); done += most {
			n := min(most, len(src)-done)
			pick(tmp.in, e, srcAt, l.width, src[done:done+n])
			scatter(buf, dstAt, stride, l.apply(tmp, n), l.outLen, dst[done:done+n])
		}
	})
}

// pick brings blocks of the elements at src side by side.
func pick(out []byte, e Elems, off, width int, src []int32) {
	for i, s := range src {
		if e.Planes == 0 {
			at := int(s)*e.Size + off
			copy(out[i*width:(i+1)*width], e.Data[at:at+width])
			continue
		}
		g, first := e.group(int(s))
		at := off*g.N + int(s) - first
		for k := range width {
			out[i*width+k] = g.Data[at+k*g.N]
		}
	}
}

func scatter(buf []byte, off, stride int, in []byte, width int, dst []int32) {
	for i, d := range dst {
		at := int(d)*stride + off
		copy(buf[at:at+width], in[i*width:(i+1)*width])
	}
}

// fetch takes the block at off of every element of a run to dst, dst+dstStep, .. of buf, reversing its bytes if asked.
// r.dst and r.step do not count.
func fetch(buf []byte, dst, dstStep int, e Elems, off, width int, r run, reverse bool) {
	switch {
	case e.Planes == 0:
		strided(buf, dst, dstStep, e.Data, r.first*e.Size+off, r.srcStep*e.Size, width, r.n, reverse)
		return
	case r.srcStep == 1 && dstStep >= width:
		planes.Interleave(buf[dst:], dstStep, e.Data, e.N, r.first, r.n, off, width, reverse)
		return
	}
	for k := range width {
		plane := e.Data[(off+k)*e.N : (off+k+1)*e.N]
		at := dst + k
		if reverse {
			at = dst + width - 1 - k
		}
		from := r.first
		for range r.n {
			buf[at] = plane[from]
			at += dstStep
			from += r.srcStep
		}
	}
}

// strided moves n blocks of width bytes, each step bytes after the one before, reversing their bytes if asked.
func strided(dst []byte, to, toStep int, src []byte, from, fromStep, width, n int, reverse bool) {
	switch {
	case !reverse && toStep == width && fromStep == width:
		copy(dst[to:to+n*width], src[from:from+n*width])
	case toStep == width && fromStep >= width:
		planes.Strided(dst[to:to+n*width], src[from:], fromStep, 0, width, n, reverse)
	case width == 1:
		for range n {
			dst[to] = src[from]
			to, from = to+toStep, from+fromStep
		}
	case width == 2:
		for range n {
			v := binary.LittleEndian.Uint16(src[from:])
			if reverse {
				v = bits.ReverseBytes16(v)
			}
			binary.LittleEndian.PutUint16(dst[to:], v)
			to, from = to+toStep, from+fromStep
		}
	case width == 4:
		for range n {
			v := binary.LittleEndian.Uint32(src[from:])
			if reverse {
				v = bits.ReverseBytes32(v)
			}
			binary.LittleEndian.PutUint32(dst[to:], v)
			to, from = to+toStep, from+fromStep
		}
	case width == 8:
		for range n {
			v := binary.LittleEndian.Uint64(src[from:])
			if reverse {
				v = bits.ReverseBytes64(v)
			}
			binary.LittleEndian.PutUint64(dst[to:], v)
			to, from = to+toStep, from+fromStep
		}
	default:
		for range n {
			block := dst[to : to+width]
			copy(block, src[from:from+width])
			if reverse {
				slices.Reverse(block)
			}
			to, from = to+toStep, from+fromStep
		}
	}
}

// scratch is room for blocks on their way: as in the file, and converted.
type scratch struct{ in, out []byte }

const (
	scratchSize = 16 << 10
	scratchKeep = 1 << 20 // larger ones, of very wide elements, go back to the collector
)

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// ready makes room for as many blocks as it says, at least one.
func (s *scratch) ready(in, out int) int {
	n := max(1, scratchSize/max(in, out, 1))
	s.in, s.out = room(s.in, n*in), room(s.out, n*out)
	return n
}

func room(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, max(n, scratchSize))
	}
	return b[:n]
}

func (s *scratch) free() {
	if cap(s.in)+cap(s.out) <= scratchKeep {
		scratches.Put(s)
	}
}
