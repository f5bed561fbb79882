package reader

import (
	"bufio"
	"encoding/binary"
	"os"
	"slices"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// sortedRows is the rows that reading has found or sorted, in memory or, where they are too many, in a temporary file. It is a
// sequence; err is what kept add from writing or Runs from reading.
type sortedRows struct {
	budget *bufpool.Budget
	held   int64 // bytes of the budget

	rows rowList
	file *os.File // nil: in memory
	w    *bufio.Writer
	n    int64
	down bool // the last row added is the first of the result
	err  error

	extent int64 // rows of a chunk
	last   int64 // chunk of the last row added
	moves  int64 // how often a row lies in another chunk than the one before
	ahead  bool  // in a later one, ever
	back   bool  // in an earlier one

	first, next int64 // row added first, and the one that would follow
	ascending   bool  // every row added follows the one before
}

// roomy reports whether half of the budget stays free beside n bytes: what is held as long as a client reads must not
// keep others, or the same request, from their batches.
func roomy(b *bufpool.Budget, n int64) bool { return n <= b.Limit()/2-b.Used() }

// leastRows is the room that rows get before their number is known.
const leastRows = 1 << 10

// newSortedRows makes room for n rows, and more where more come; down: they will be added from the last to the first.
func newSortedRows(budget *bufpool.Budget, n, extent int64, down bool) (*sortedRows, error) {
	s := &sortedRows{budget: budget, down: down, extent: extent, last: -1}
	s.grow(n)
	return s, s.err
}

// grow makes room for n rows in memory, or a file to write them to.
func (s *sortedRows) grow(n int64) {
	more := 8 * (n - int64(cap(s.rows)))
	if n <= s.budget.Limit()/(8*16) && roomy(s.budget, more) && s.budget.TryAcquire(more) {
		s.held += more
		s.rows = append(make(rowList, 0, n), s.rows...)
		return
	}
	if s.file, s.err = tempFile(); s.err != nil {
		s.rows = nil
		return
	}
	s.w = bufio.NewWriterSize(s.file, spillBuffer)
	for _, row := range s.rows {
		s.write(row)
	}
	s.rows = nil
	s.budget.Return(s.held)
	s.held = 0
}

func (s *sortedRows) write(row int64) {
	_, _ = s.w.Write(binary.LittleEndian.AppendUint64(s.w.AvailableBuffer(), uint64(row))) // finish sees the error
}

func (s *sortedRows) add(row int64) {
	if s.n == 0 {
		s.first, s.ascending = row, !s.down
	} else if row != s.next {
		s.ascending = false
	}
	s.next = row + 1
	s.n++
	if chunk := row / s.extent; chunk != s.last {
		s.back = s.back || chunk < s.last
		s.ahead = s.ahead || chunk > s.last && s.last >= 0
		s.last = chunk
		s.moves++
	}
	if s.file == nil && len(s.rows) == cap(s.rows) && s.err == nil {
		s.grow(max(leastRows, 2*int64(cap(s.rows))))
	}
	switch {
	case s.err != nil:
	case s.file == nil:
		s.rows = append(s.rows, row)
	default:
		s.write(row)
	}
}

// finish ends the adding.
func (s *sortedRows) finish() error {
	if s.err != nil {
		return s.err
	}
	if s.file == nil {
		if s.down {
			slices.Reverse(s.rows)
		}
		return nil
	}
	if err := s.w.Flush(); err != nil {
		return spillFailed(err)
	}
	s.w = nil
	return nil
}

// scattered reports whether the rows go back and forth between chunks so often that batches had to read them again.
func (s *sortedRows) scattered() bool { return s.back && s.ahead && s.moves > 4*(s.n/s.extent+1) }

// plain is the same sequence, closed by others: as a span where it is one.
func (s *sortedRows) plain() sequence {
	if s.ascending {
		return span{start: s.first, step: 1, n: s.n}
	}
	return lent{s}
}

// lent is rows that a run must not close.
type lent struct{ *sortedRows }

func (lent) close() {}

// section is n rows of those that others close.
type section struct {
	lent
	first, n int64
}

func (s section) Len() int64 { return s.n }

func (s section) Runs(runs []run, lo, hi, at int64) []run {
	return s.lent.Runs(runs, s.first+lo, s.first+hi, at)
}

func (s section) cut(first, n int64) sequence {
	s.first, s.n = s.first+first, n
	return s
}

// all is the same rows, closed by others.
func (s *sortedRows) all() section { return section{lent: lent{s}, n: s.n} }

// joinStep is how many rows are copied at once.
const joinStep = 1 << 14

// joined is the rows of a, then those of b, which it closes.
func joined2(a section, b *sortedRows) (*sortedRows, error) {
	defer b.close()
	out, err := newSortedRows(b.budget, a.n+b.n, b.extent, false)
	for _, s := range []section{a, b.all()} {
		for lo := int64(0); lo < s.n && err == nil; lo += joinStep {
			for _, row := range s.read(s.first+lo, s.first+min(lo+joinStep, s.n)) {
				out.add(row)
			}
			err = s.err
		}
	}
	return finished(out, err)
}

// broken is why rows that Runs gave are not right.
func (s *sortedRows) broken() error { return s.err }

// Len is part of sequence.
func (s *sortedRows) Len() int64 { return s.n }

// Runs is part of sequence.
func (s *sortedRows) Runs(runs []run, lo, hi, at int64) []run {
	if s.file == nil {
		return s.rows.Runs(runs, lo, hi, at)
	}
	part := s.read(lo, hi)
	return part.Runs(runs, 0, int64(len(part)), at)
}

// read gives rows lo to hi; err says whether it could.
func (s *sortedRows) read(lo, hi int64) rowList {
	if s.file == nil {
		return s.rows[lo:hi]
	}
	part := make(rowList, hi-lo)
	if s.down {
		lo, hi = s.n-hi, s.n-lo
	}
	b := make([]byte, 8*(hi-lo))
	if _, err := s.file.ReadAt(b, 8*lo); err != nil {
		s.err = spillFailed(err)
	}
	for i := range part {
		part[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	if s.down {
		slices.Reverse(part)
	}
	return part
}

// close gives back memory and disk.
func (s *sortedRows) close() {
	s.budget.Return(s.held)
	s.held = 0
	if s.file != nil {
		s.file.Close()
	}
}

// finished are rows to which no more are added, closed where that or what was before failed.
func finished(out *sortedRows, err error) (*sortedRows, error) {
	if err == nil {
		err = out.finish()
	}
	if err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}
