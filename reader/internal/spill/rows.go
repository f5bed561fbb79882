package spill

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"os"
	"slices"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Rows is the rows that reading has found or sorted, in memory or, where they are too many, in a temporary file. It is a
// rows.Sequence; Err is what kept Add from writing or Runs from reading.
type Rows struct {
	budget *bufpool.Budget
	held   int64 // bytes of the budget

	rows rows.List
	file *os.File // nil: in memory
	w    *bufio.Writer
	N    int64
	down bool // the last row added is the first of the result
	Err  error

	extent int64 // rows of a chunk
	last   int64 // chunk of the last row added
	moves  int64 // how often a row lies in another chunk than the one before
	ahead  bool  // in a later one, ever
	back   bool  // in an earlier one

	first, next int64 // row added first, and the one that would follow
	ascending   bool  // every row added follows the one before
}

// Roomy reports whether half of the budget stays free beside n bytes: what is held as long as a client reads must not
// keep others, or the same request, from their batches.
func Roomy(b *bufpool.Budget, n int64) bool { return n <= b.Limit()/2-b.Used() }

// leastRows is the room that rows get before their number is known.
const leastRows = 1 << 10

// NewRows makes room for n rows, and more where more come; down: they will be added from the last to the first.
func NewRows(budget *bufpool.Budget, n, extent int64, down bool) (*Rows, error) {
	s := &Rows{budget: budget, down: down, extent: extent, last: -1}
	s.grow(n)
	return s, s.Err
}

// grow makes room for n rows in memory, or a file to write them to.
func (s *Rows) grow(n int64) {
	more := 8 * (n - int64(cap(s.rows)))
	if n <= s.budget.Limit()/(8*16) && Roomy(s.budget, more) && s.budget.TryAcquire(more) {
		s.held += more
		s.rows = append(make(rows.List, 0, n), s.rows...)
		return
	}
	if s.file, s.Err = TempFile(); s.Err != nil {
		s.rows = nil
		return
	}
	s.w = bufio.NewWriterSize(s.file, BufferBytes)
	for _, row := range s.rows {
		s.write(row)
	}
	s.rows = nil
	s.budget.Return(s.held)
	s.held = 0
}

func (s *Rows) write(row int64) {
	_, _ = s.w.Write(binary.LittleEndian.AppendUint64(s.w.AvailableBuffer(), uint64(row))) // Finish sees the error
}

// Add appends a row; Err and Finish say whether it could.
func (s *Rows) Add(row int64) {
	if s.N == 0 {
		s.first, s.ascending = row, !s.down
	} else if row != s.next {
		s.ascending = false
	}
	s.next = row + 1
	s.N++
	if chunk := row / s.extent; chunk != s.last {
		s.back = s.back || chunk < s.last
		s.ahead = s.ahead || chunk > s.last && s.last >= 0
		s.last = chunk
		s.moves++
	}
	if s.file == nil && len(s.rows) == cap(s.rows) && s.Err == nil {
		s.grow(max(leastRows, 2*int64(cap(s.rows))))
	}
	switch {
	case s.Err != nil:
	case s.file == nil:
		s.rows = append(s.rows, row)
	default:
		s.write(row)
	}
}

// Finish ends the adding.
func (s *Rows) Finish() error {
	if s.Err != nil {
		return s.Err
	}
	if s.file == nil {
		if s.down {
			slices.Reverse(s.rows)
		}
		return nil
	}
	if err := s.w.Flush(); err != nil {
		return Failed(err)
	}
	s.w = nil
	return nil
}

// Scattered reports whether the rows go back and forth between chunks so often that batches had to read them again.
func (s *Rows) Scattered() bool { return s.back && s.ahead && s.moves > 4*(s.N/s.extent+1) }

// Borrow is the same sequence, closed by others: as a span where it is one.
func (s *Rows) Borrow() rows.Sequence {
	if s.ascending {
		return rows.Span{Start: s.first, Step: 1, N: s.N}
	}
	return Borrowed{s}
}

// Borrowed is rows that a run must not close.
type Borrowed struct{ *Rows }

func (Borrowed) Close() {}

// Section is n rows of those that others close.
type Section struct {
	Borrowed
	first, N int64
}

func (s Section) Len() int64 { return s.N }

func (s Section) Runs(runs []rows.Run, lo, hi, at int64) []rows.Run {
	return s.Borrowed.Runs(runs, s.first+lo, s.first+hi, at)
}

var _ rows.Cutter = Section{}

// Cut is part of rows.Cutter.
func (s Section) Cut(first, n int64) rows.Sequence {
	s.first, s.N = s.first+first, n
	return s
}

// Section is the same rows, closed by others.
func (s *Rows) Section() Section { return Section{Borrowed: Borrowed{s}, N: s.N} }

// joinStep is how many rows are copied at once.
const joinStep = 1 << 14

// Join is the rows of a, then those of b, which it closes.
func Join(a Section, b *Rows) (*Rows, error) {
	defer b.Close()
	out, err := NewRows(b.budget, a.N+b.N, b.extent, false)
	for _, s := range []Section{a, b.Section()} {
		for lo := int64(0); lo < s.N && err == nil; lo += joinStep {
			for _, row := range s.Read(s.first+lo, s.first+min(lo+joinStep, s.N)) {
				out.Add(row)
			}
			err = s.Err
		}
	}
	return Finish(out, err)
}

// Each gives the rows to use, some at a time, until it fails. use must not keep what it gets.
func (s *Rows) Each(use func(rows []int64) error) (err error) {
	const some = 1 << 16
	for lo := int64(0); lo < s.N && err == nil && s.Err == nil; lo += some {
		err = use(s.Read(lo, min(lo+some, s.N)))
	}
	return cmp.Or(err, s.Err)
}

// In is the same rows in another budget; these are closed.
func (s *Rows) In(budget *bufpool.Budget) (*Rows, error) {
	defer s.Close()
	out, err := NewRows(budget, s.N, s.extent, false)
	if err == nil {
		err = s.Each(func(rows []int64) error {
			for _, row := range rows {
				out.Add(row)
			}
			return out.Err
		})
	}
	return Finish(out, err)
}

// Broken is why rows that Runs gave are not right.
func (s *Rows) Broken() error { return s.Err }

// Len is part of rows.Sequence.
func (s *Rows) Len() int64 { return s.N }

// Runs is part of rows.Sequence.
func (s *Rows) Runs(runs []rows.Run, lo, hi, at int64) []rows.Run {
	if s.file == nil {
		return s.rows.Runs(runs, lo, hi, at)
	}
	part := s.Read(lo, hi)
	return part.Runs(runs, 0, int64(len(part)), at)
}

// Read gives rows lo to hi; Err says whether it could.
func (s *Rows) Read(lo, hi int64) rows.List {
	if s.file == nil {
		return s.rows[lo:hi]
	}
	part := make(rows.List, hi-lo)
	if s.down {
		lo, hi = s.N-hi, s.N-lo
	}
	b := make([]byte, 8*(hi-lo))
	if _, err := s.file.ReadAt(b, 8*lo); err != nil {
		s.Err = Failed(err)
	}
	for i := range part {
		part[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	if s.down {
		slices.Reverse(part)
	}
	return part
}

// Close gives back memory and disk.
func (s *Rows) Close() {
	s.budget.Return(s.held)
	s.held = 0
	if s.file != nil {
		s.file.Close()
	}
}

// Finish are rows to which no more are added, closed where that or what was before failed.
func Finish(out *Rows, err error) (*Rows, error) {
	if err == nil {
		err = out.Finish()
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}
