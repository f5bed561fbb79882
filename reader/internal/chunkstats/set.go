package chunkstats

import (
	"sync"
	"unsafe"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// Set is the statistics of a file. Safe for concurrent use.
type Set struct {
	mu     sync.RWMutex
	budget *bufpool.Budget
	held   int64 // bytes of it
	tables map[uint64]*Table
	closed bool
	news   bool // something was noted since the last save
}

// Table is the statistics of a dataset: columns by number, chunks by number along the rows.
type Table struct {
	set     *Set
	chunks  int64
	rows    int64 // of a chunk
	columns map[int]*column
}

// column has an entry for each chunk.
type column struct {
	class Class
	known int64 // entries
	stats []entry
	text  []byte // the bounds of texts; lo and hi of an entry say where
}

type entry struct {
	lo, hi    uint64
	null, nan int64
	state     state
}

type state uint8

const (
	unknown state = iota
	bounded
	unbounded // all values are null or NaN
	long
)

const entryBytes = int64(unsafe.Sizeof(entry{}))

// NewSet is an empty Set whose bytes are of a budget until Close.
func NewSet(budget *bufpool.Budget) *Set {
	return &Set{budget: budget, tables: map[uint64]*Table{}}
}

// Close gives the bytes back. Nothing is known or noted any more.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget.Return(s.held)
	s.held, s.closed, s.tables = 0, true, map[uint64]*Table{}
}

// Table is that of the dataset whose object lies at an address, with so many chunks of so many rows.
func (s *Set) Table(addr uint64, chunks, rows int64) *Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[addr]
	if t == nil || t.chunks != chunks || t.rows != rows {
		t = &Table{set: s, chunks: chunks, rows: rows, columns: map[int]*column{}}
		s.tables[addr] = t
	}
	return t
}

// Known is in how many chunks a column is known.
func (t *Table) Known(col int) int64 {
	t.set.mu.RLock()
	defer t.set.mu.RUnlock()
	if c := t.columns[col]; c != nil {
		return c.known
	}
	return 0
}

// Get is what is known of a column of a class in a chunk. Its texts are not to be changed.
func (t *Table) Get(col int, class Class, chunk int64) (s Stat, ok bool) {
	t.set.mu.RLock()
	defer t.set.mu.RUnlock()
	c := t.columns[col]
	if c == nil || c.class != class || t.set.closed {
		return s, false
	}
	e := c.stats[chunk]
	s = Stat{Null: e.null, NaN: e.nan, Has: e.state == bounded, Long: e.state == long}
	if s.Has && class == Text {
		s.Min, s.Max = c.cell(e.lo), c.cell(e.hi)
	} else if s.Has {
		s.Lo, s.Hi = e.lo, e.hi
	}
	return s, e.state != unknown
}

// Texts are shorter than 1<<textBits.
const textBits = 16

func (c *column) cell(ref uint64) []byte {
	from := ref >> textBits
	return c.text[from : from+ref&(1<<textBits-1)]
}

// Put notes what a column's values are in a chunk, once. Where there is no room for it, it is dropped.
func (t *Table) Put(col int, class Class, chunk int64, s Stat) {
	t.set.mu.Lock()
	defer t.set.mu.Unlock()
	if t.set.closed {
		return
	}
	c := t.columns[col]
	if c == nil || c.class != class {
		if c = t.add(col, class); c == nil {
			return
		}
	}
	if c.stats[chunk].state != unknown {
		return
	}
	e := entry{lo: s.Lo, hi: s.Hi, null: s.Null, nan: s.NaN, state: unbounded}
	switch {
	case s.Long:
		e.state = long
	case s.Has:
		e.state = bounded
	}
	if s.Has && class == Text {
		var ok bool
		if e.lo, e.hi, ok = t.set.texts(c, s.Min, s.Max); !ok {
			return
		}
	}
	c.stats[chunk] = e
	c.known++
	t.set.news = true
}

func (t *Table) add(col int, class Class) *column {
	if !t.set.take(t.chunks * entryBytes) {
		return nil
	}
	c := &column{class: class, stats: make([]entry, t.chunks)}
	t.columns[col] = c
	return c
}

// take reserves bytes of the budget. Called locked.
func (s *Set) take(n int64) bool {
	if s.closed || n < 0 || n > s.budget.Limit() || !s.budget.TryAcquire(n) {
		return false
	}
	s.held += n
	return true
}

// texts keeps the bounds of a chunk. Old texts stay where they are, so that what Get gave out stays valid.
func (s *Set) texts(c *column, lowest, highest []byte) (lo, hi uint64, ok bool) {
	if need := len(c.text) + len(lowest) + len(highest); need > cap(c.text) {
		grown := max(2*cap(c.text), need, 256)
		if !s.take(int64(grown - cap(c.text))) {
			return 0, 0, false
		}
		c.text = append(make([]byte, 0, grown), c.text...)
	}
	keep := func(b []byte) uint64 {
		ref := uint64(len(c.text))<<textBits | uint64(len(b))
		c.text = append(c.text, b...)
		return ref
	}
	return keep(lowest), keep(highest), true
}
