package reader

import "sort"

// pieces is parts of a slice of the rows, in its order: their dst follow each other from 0 on.
type pieces []run

func (s pieces) Len() int64 {
	if len(s) == 0 {
		return 0
	}
	last := s[len(s)-1]
	return last.dst + last.n
}

func (s pieces) Runs(runs []run, lo, hi, at int64) []run {
	for i := s.find(lo); i < len(s) && s[i].dst < hi; i++ {
		r := s[i]
		a, b := max(lo, r.dst), min(hi, r.dst+r.n)
		runs = append(runs, run{dst: at + a - lo, src: r.src + (a-r.dst)*r.step, step: r.step, n: b - a})
	}
	return runs
}

// find is the piece of a place.
func (s pieces) find(place int64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].dst+s[i].n > place })
}

// row is the source row at a place.
func (s pieces) row(place int64) int64 {
	r := s[s.find(place)]
	return r.src + (place-r.dst)*r.step
}

// add appends rows of the same step; neighbours become one piece.
func (s pieces) add(r run) pieces {
	if r.dst = s.Len(); r.dst > 0 {
		if last := &s[len(s)-1]; last.src+last.n*last.step == r.src {
			last.n += r.n
			return s
		}
	}
	return append(s, r)
}

// starts is the first row of rows that follow each other upwards, chunk by chunk; false for other sequences.
func starts(s sequence) (int64, bool) {
	switch s := s.(type) {
	case span:
		return s.start, s.step == 1
	case pieces:
		if len(s) > 0 {
			return s[0].src, s[0].step == 1
		}
	}
	return 0, false
}

// rowOf is the source row at a place of a sequence.
func rowOf(s sequence) func(place int64) int64 {
	switch s := s.(type) {
	case span:
		return func(i int64) int64 { return s.start + i*s.step }
	case pieces:
		return s.row
	case rowList:
		return func(i int64) int64 { return s[i] }
	}
	return func(i int64) int64 { return s.Runs(nil, i, i+1, 0)[0].src }
}
