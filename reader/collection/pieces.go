package collection

import (
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// piece is rows of one file, a step apart.
type piece struct {
	file           int
	start, step, n int64
}

// pieces cuts runs over the rows of all files where files end.
func (s *set) pieces(out []piece, runs []rows.Run) []piece {
	for _, r := range runs {
		for r.N > 0 {
			f := s.at(r.Src)
			m := s.members[f]
			n := r.N
			switch {
			case r.Step > 0:
				n = min(n, (m.first+m.rows-1-r.Src)/r.Step+1)
			case r.Step < 0:
				n = min(n, (r.Src-m.first)/-r.Step+1)
			}
			out = join(out, piece{f, r.Src - m.first, r.Step, n})
			r.Src, r.N = r.Src+n*r.Step, r.N-n
		}
	}
	return out
}

// join adds a piece; those that follow each other become one.
func join(out []piece, p piece) []piece {
	if k := len(out) - 1; k >= 0 {
		last := &out[k]
		if last.file == p.file && p.n > 0 && last.n > 0 {
			step := last.step
			if last.n == 1 && p.n == 1 {
				step = p.start - last.start
			} else if last.n == 1 {
				step = p.step
			}
			if step == 1 && (last.n == 1 || last.step == step) && (p.n == 1 || p.step == step) && last.start+last.n*step == p.start {
				last.step, last.n = step, last.n+p.n
				return out
			}
		}
	}
	return append(out, p)
}

// slice asks for the rows of a piece.
func (p piece) slice(q reader.Request) reader.Request {
	if p.n == 0 || p.step == 0 {
		q.Coordinates = p.list(make([]int64, 0, p.n))
		return q
	}
	step, last := p.step, p.start+(p.n-1)*p.step
	q.Start, q.Step = &p.start, &step
	switch {
	case step > 0:
		stop := last + 1
		q.Stop = &stop
	case last > 0:
		stop := last - 1
		q.Stop = &stop
	}
	return q
}

// list writes the rows of a piece out.
func (p piece) list(out []int64) []int64 {
	for k := range p.n {
		out = append(out, p.start+k*p.step)
	}
	return out
}
