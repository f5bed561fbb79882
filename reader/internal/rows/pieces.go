package rows

import "sort"

// Pieces is parts of a slice of the rows, in its order: their dst follow each other from 0 on.
type Pieces []Run

func (s Pieces) Len() int64 {
	if len(s) == 0 {
		return 0
	}
	last := s[len(s)-1]
	return last.Dst + last.N
}

func (s Pieces) Runs(runs []Run, lo, hi, at int64) []Run {
	for i := s.find(lo); i < len(s) && s[i].Dst < hi; i++ {
		r := s[i]
		a, b := max(lo, r.Dst), min(hi, r.Dst+r.N)
		runs = append(runs, Run{Dst: at + a - lo, Src: r.Src + (a-r.Dst)*r.Step, Step: r.Step, N: b - a})
	}
	return runs
}

// find is the piece of a place.
func (s Pieces) find(place int64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].Dst+s[i].N > place })
}

// row is the source row at a place.
func (s Pieces) row(place int64) int64 {
	r := s[s.find(place)]
	return r.Src + (place-r.Dst)*r.Step
}

// Add appends rows of the same step; neighbours become one piece.
func (s Pieces) Add(r Run) Pieces {
	if r.Dst = s.Len(); r.Dst > 0 {
		if last := &s[len(s)-1]; last.Src+last.N*last.Step == r.Src {
			last.N += r.N
			return s
		}
	}
	return append(s, r)
}

// FirstAscending is the first row of rows that follow each other upwards, chunk by chunk; false for other sequences.
func FirstAscending(s Sequence) (int64, bool) {
	switch s := s.(type) {
	case Span:
		return s.Start, s.Step == 1
	case Pieces:
		if len(s) > 0 {
			return s[0].Src, s[0].Step == 1
		}
	}
	return 0, false
}

// RowAt is the source row at a place of a sequence.
func RowAt(s Sequence) func(place int64) int64 {
	switch s := s.(type) {
	case Span:
		return func(i int64) int64 { return s.Start + i*s.Step }
	case Pieces:
		return s.row
	case List:
		return func(i int64) int64 { return s[i] }
	}
	return func(i int64) int64 { return s.Runs(nil, i, i+1, 0)[0].Src }
}
