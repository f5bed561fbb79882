package reader

import (
	"bufio"
	"encoding/binary"
	"os"
	"slices"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// runBytes is about what planning takes for a row that comes alone.
const runBytes = 128

// sortedRows is the rows of a sorted result, in memory or, where they are too many, in a temporary file. It is a
// sequence; err is what kept Runs from reading.
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
func roomy(b *bufpool.Budget, n int64) bool { return b.Used()+n <= b.Limit()/2 }

// newSortedRows makes room for n rows; down: they will be added from the last to the first.
func newSortedRows(budget *bufpool.Budget, n, extent int64, down bool) (*sortedRows, error) {
	s := &sortedRows{budget: budget, down: down, extent: extent, last: -1}
	if bytes := 8 * n; bytes <= budget.Limit()/16 && roomy(budget, bytes) && budget.TryAcquire(bytes) {
		s.held = bytes
		s.rows = make(rowList, 0, n)
		return s, nil
	}
	f, err := tempFile()
	if err != nil {
		return nil, err
	}
	s.file, s.w = f, bufio.NewWriterSize(f, spillBuffer)
	return s, nil
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
	if s.file == nil {
		s.rows = append(s.rows, row)
		return
	}
	_, _ = s.w.Write(binary.LittleEndian.AppendUint64(s.w.AvailableBuffer(), uint64(row))) // finish sees the error
}

// finish ends the adding.
func (s *sortedRows) finish() error {
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

// lent is a sequence that a run must not close.
type lent struct{ sequence }

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
