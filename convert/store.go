package convert

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// store is the buffers for n elements of a plan's type.
type store struct {
	plan *plan
	bufs []*memory.Buffer // nil once taken
	n    int
}

// newStore allocates room for n elements. The caller has checked that the sizes do not overflow.
func newStore(mem memory.Allocator, p *plan, n int) *store {
	s := &store{plan: p, bufs: make([]*memory.Buffer, len(p.bufs)), n: n}
	for i, width := range p.bufs {
		s.bufs[i] = memory.NewResizableBuffer(mem)
		s.bufs[i].Resize(n * width)
	}
	return s
}

// grow makes room for at least n elements, keeping those there are.
func (s *store) grow(n int) {
	for i, width := range s.plan.bufs {
		extend(s.bufs[i], n*width)
	}
	s.n = n
}

// extend makes a buffer longer, its memory by doubling.
func extend(b *memory.Buffer, n int) {
	if n > b.Cap() {
		b.Reserve(max(n, 2*b.Cap()))
	}
	b.ResizeNoShrink(n)
}

// take gives a buffer away with the duty to release it.
func (s *store) take(i int) *memory.Buffer {
	b := s.bufs[i]
	s.bufs[i] = nil
	return b
}

func (s *store) release() {
	for i, b := range s.bufs {
		if b != nil {
			b.Release()
			s.bufs[i] = nil
		}
	}
}

// run is an affine sequence of elements and where they go.
type run struct{ dst, step, first, srcStep, n int }

func (s *store) check(e Elems) error {
	if e.Size != s.plan.size || e.N < 0 || e.Planes < 0 || e.N > 0 && (e.Planes > e.N || !s.plan.covered(e)) {
		return fmt.Errorf("convert: put: %d elements of %d bytes in %d bytes, for elements of %d bytes",
			e.N, e.Size, len(e.Data), s.plan.size)
	}
	return nil
}

// put converts elements into the buffers. Calls on disjoint positions may run at once.
func (s *store) put(e Elems, r run) error {
	if err := s.check(e); err != nil {
		return err
	}
	if r.n == 0 {
		return nil
	}
	if r.n < 0 || !within(r.first, r.srcStep, r.n, e.N) || !within(r.dst, r.step, r.n, s.n) || r.step == 0 && r.n > 1 {
		return fmt.Errorf("convert: put: elements %d, +%d of %d to positions %d, +%d of %d, %d times",
			r.first, r.srcStep, e.N, r.dst, r.step, s.n, r.n)
	}
	switch {
	case e.Planes == 0 && s.plan.direct && r.step == 1 && r.srcStep == 1: // lines of small chunks: so many that it pays
		size := s.plan.size
		copy(s.bufs[0].Bytes()[r.dst*size:(r.dst+r.n)*size], e.Data[r.first*size:(r.first+r.n)*size])
		return nil
	case e.Planes == 0:
		s.move(e, r)
		return nil
	}
	for r.n > 0 {
		g, first := e.group(r.first)
		part := r
		part.first -= first
		part.n = min(r.n, reaches(part.first, r.srcStep, g.N))
		s.move(g, part)
		r.dst, r.first, r.n = r.dst+part.n*r.step, r.first+part.n*r.srcStep, r.n-part.n
	}
	return nil
}

// move converts a run of elements of one group.
func (s *store) move(e Elems, r run) {
	for i := range s.plan.leaves {
		l := &s.plan.leaves[i]
		l.put(s.bufs[l.buf].Bytes(), s.plan.bufs[l.buf], e, r)
	}
}

// reaches is how many of the places first, first+step, .. come before the first that is outside of limit.
func reaches(first, step, limit int) int {
	switch {
	case step > 0:
		return (limit-1-first)/step + 1
	case step < 0:
		return first/-step + 1
	}
	return math.MaxInt
}

// within reports whether first, first+step, .. are n places below limit.
func within(first, step, n, limit int) bool {
	if first < 0 || first >= limit {
		return false
	}
	switch {
	case n == 1:
		return true
	case step > 0:
		return (limit-1-first)/step >= n-1
	case step < 0:
		return step >= -limit && first/-step >= n-1
	}
	return true
}

// gather converts element src[i] to position dst[i].
func (s *store) gather(e Elems, dst, src []int32) error {
	if err := s.check(e); err != nil {
		return err
	}
	if len(dst) != len(src) {
		return fmt.Errorf("convert: gather: %d elements to %d positions", len(src), len(dst))
	}
	for i := range dst {
		if src[i] < 0 || int(src[i]) >= e.N || dst[i] < 0 || int(dst[i]) >= s.n {
			return fmt.Errorf("convert: gather: element %d of %d to position %d of %d", src[i], e.N, dst[i], s.n)
		}
	}
	for i := range s.plan.leaves {
		l := &s.plan.leaves[i]
		l.gather(s.bufs[l.buf].Bytes(), s.plan.bufs[l.buf], e, dst, src)
	}
	return nil
}
