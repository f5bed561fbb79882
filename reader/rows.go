package reader

import (
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// run is an arithmetic sequence of source places that go to consecutive places of the result.
type run struct {
	dst, src, step, n int64 // step 0 repeats src
}

// sequence is the rows of a result, in its order, before blocks and cycles.
type sequence interface {
	Len() int64
	// Runs are the source rows of result rows lo up to hi; their dst counts from at.
	Runs(runs []run, lo, hi, at int64) []run
}

// span is a Python slice of the rows.
type span struct {
	start, step, n int64
}

func (s span) Len() int64 { return s.n }

func (s span) Runs(runs []run, lo, hi, at int64) []run {
	if hi <= lo {
		return runs
	}
	return append(runs, run{dst: at, src: s.start + lo*s.step, step: s.step, n: hi - lo})
}

// slice is what Python's slice(start, stop, step).indices(n) means, clipped.
func slice(start, stop, step *int64, n int64) (span, error) {
	by := int64(1)
	if step != nil {
		by = *step
	}
	if by == 0 {
		return span{}, fault.New(fault.Invalid, "step must not be 0")
	}
	lo, hi := int64(0), n
	first, last := int64(0), n
	if by < 0 {
		lo, hi = -1, n-1
		first, last = n-1, -1
	}
	if start != nil {
		first = clip(*start, n, lo, hi)
	}
	if stop != nil {
		last = clip(*stop, n, lo, hi)
	}
	return span{start: first, step: by, n: count(first, last, by)}, nil
}

func clip(i, n, lo, hi int64) int64 {
	if i < 0 {
		if i < -n {
			return lo
		}
		i += n
	}
	return min(max(i, lo), hi)
}

func count(first, last, step int64) int64 {
	switch {
	case step > 0 && last > first:
		return (last-first-1)/step + 1
	case step < 0 && last < first:
		if step == -1<<63 {
			return 1
		}
		return (first-last-1)/-step + 1
	}
	return 0
}

// rowList is rows one by one.
type rowList []int64

func (l rowList) Len() int64 { return int64(len(l)) }

func (l rowList) Runs(runs []run, lo, hi, at int64) []run {
	for i := lo; i < hi; {
		n := l.ascent(i, hi)
		runs = append(runs, run{dst: at + i - lo, src: l[i], step: 1, n: n})
		i += n
	}
	return runs
}

// ascent is the number of consecutive rows from place i on.
func (l rowList) ascent(i, hi int64) int64 {
	j := i + 1
	for j < hi && l[j] == l[j-1]+1 {
		j++
	}
	return j - i
}

// coordinates checks a list of rows, negative ones counted from the end.
func coordinates(in []int64, n int64) (rowList, error) {
	out := slices.Clone(in)
	for i, c := range out {
		if c < -n || c >= n {
			return nil, fault.New(fault.OutOfRange, "coordinate %d is outside the %d rows", c, n)
		}
		if c < 0 {
			out[i] = c + n
		}
	}
	return out, nil
}

// masked is the rows whose bit is set.
func masked(bits []byte, n int64) (rowList, error) {
	if int64(len(bits)) != (n+7)/8 {
		return nil, fault.New(fault.Invalid, "mask of %d bytes for %d rows: %d bytes are needed, one bit a row", len(bits), n, (n+7)/8)
	}
	out := rowList{}
	for i := range n {
		if bits[i/8]>>(i%8)&1 != 0 {
			out = append(out, i)
		}
	}
	return out, nil
}

func maskedBools(set []bool, n int64) (rowList, error) {
	if int64(len(set)) != n {
		return nil, fault.New(fault.Invalid, "mask of %d rows for %d rows", len(set), n)
	}
	out := rowList{}
	for i, on := range set {
		if on {
			out = append(out, int64(i))
		}
	}
	return out, nil
}

// spreadOut writes runs out as rows.
func spreadOut(out []int64, runs []run) []int64 {
	for _, r := range runs {
		for k := range r.n {
			out = append(out, r.src+k*r.step)
		}
	}
	return out
}

func taken(runs []run) int64 {
	n := int64(0)
	for _, r := range runs {
		n += r.n
	}
	return n
}
