package rows

import (
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// Run is an arithmetic sequence of source places that go to consecutive places of the result.
type Run struct {
	Dst, Src, Step, N int64 // step 0 repeats src
}

// Sequence is the rows of a result, in its order, before blocks and cycles.
type Sequence interface {
	Len() int64
	// Runs are the source rows of result rows lo up to hi; their dst counts from at.
	Runs(runs []Run, lo, hi, at int64) []Run
}

// Span is a Python slice of the rows.
type Span struct {
	Start, Step, N int64
}

func (s Span) Len() int64 { return s.N }

func (s Span) Runs(runs []Run, lo, hi, at int64) []Run {
	if hi <= lo {
		return runs
	}
	return append(runs, Run{Dst: at, Src: s.Start + lo*s.Step, Step: s.Step, N: hi - lo})
}

// Slice is what Python's slice(start, stop, step).indices(n) means, clipped.
func Slice(start, stop, step *int64, n int64) (Span, error) {
	by := int64(1)
	if step != nil {
		by = *step
	}
	if by == 0 {
		return Span{}, fault.New(fault.Invalid, "step must not be 0")
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
	return Span{Start: first, Step: by, N: Steps(first, last, by)}, nil
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

// Steps is how many places there are from first on, before last.
func Steps(first, last, step int64) int64 {
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

// List is rows one by one.
type List []int64

func (l List) Len() int64 { return int64(len(l)) }

func (l List) Runs(runs []Run, lo, hi, at int64) []Run {
	for i := lo; i < hi; {
		n := l.ascent(i, hi)
		runs = append(runs, Run{Dst: at + i - lo, Src: l[i], Step: 1, N: n})
		i += n
	}
	return runs
}

// ascent is the number of consecutive rows from place i on.
func (l List) ascent(i, hi int64) int64 {
	j := i + 1
	for j < hi && l[j] == l[j-1]+1 {
		j++
	}
	return j - i
}

// Coordinates checks a list of rows, negative ones counted from the end.
func Coordinates(in []int64, n int64) (List, error) {
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

// Masked is the rows whose bit is set in a mask of so many rows (0: of n), for a dataset of n rows.
func Masked(bits []byte, of, n int64) (List, error) {
	if of != 0 && of != n {
		return nil, fault.New(fault.Invalid, "mask of %d rows for %d rows", of, n)
	}
	if int64(len(bits)) != (n+7)/8 {
		return nil, fault.New(fault.Invalid, "mask of %d bytes for %d rows: %d bytes are needed, one bit a row", len(bits), n, (n+7)/8)
	}
	out := List{}
	for i := range n {
		if bits[i/8]>>(i%8)&1 != 0 {
			out = append(out, i)
		}
	}
	return out, nil
}

// Expand writes runs out as rows.
func Expand(out []int64, runs []Run) []int64 {
	for _, r := range runs {
		for k := range r.N {
			out = append(out, r.Src+k*r.Step)
		}
	}
	return out
}

// Total is how many places runs have.
func Total(runs []Run) int64 {
	n := int64(0)
	for _, r := range runs {
		n += r.N
	}
	return n
}
