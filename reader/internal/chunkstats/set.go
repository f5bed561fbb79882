package chunkstats

import (
	"math"
	"sync"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// Kept gives the bytes that were kept of a column of the object at an address, at most so many; nil: none.
type Kept func(addr uint64, col int, most int64) []byte

// Set is the statistics of a file. Safe for concurrent use.
type Set struct {
	mu     sync.RWMutex
	budget *bufpool.Budget
	kept   Kept  // nil: nothing is
	held   int64 // bytes of budget
	tables map[uint64]*Table
	closed bool
	full   bool // something had no room
}

// Table is the statistics of a dataset: columns by number, chunks by number along the rows.
type Table struct {
	set     *Set
	addr    uint64
	chunks  int64
	rows    int64 // of a chunk
	columns map[int]*column
	asked   map[int]bool // for what was kept of them
	loaded  bool         // some of it was kept
}

// column has an entry for each chunk.
type column struct {
	class     Class
	known     int64 // entries
	lo, hi    []uint64
	null, nan []uint64 // nil: all are 0
	state     []state
	text      []byte // the bounds of texts; lo and hi say where
	news      bool   // something was noted since it was kept
}

type state uint8

const (
	unknown state = iota
	bounded
	unbounded // all values are null or NaN
	long
)

// entryBytes is what a chunk takes, without counts and texts.
const entryBytes = 2*8 + 1

// NewSet is a Set, with what was kept before (nil: nothing), whose bytes are of a budget until Close.
func NewSet(budget *bufpool.Budget, kept Kept) *Set {
	return &Set{budget: budget, kept: kept, tables: map[uint64]*Table{}}
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
		t = &Table{set: s, addr: addr, chunks: chunks, rows: rows, columns: map[int]*column{}, asked: map[int]bool{}}
		s.tables[addr] = t
	}
	return t
}

// Full tells whether something had no room.
func (s *Set) Full() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.full
}

// Loaded tells whether some of what is known of the object at an address was kept before.
func (s *Set) Loaded(addr uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.tables[addr]
	return t != nil && t.loaded
}

// News are columns of which something was noted since the last call.
func (s *Set) News() (out []New) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for addr, t := range s.tables {
		for col, c := range t.columns {
			if c.news {
				c.news = false
				out = append(out, New{addr, col, func() []byte { return s.bytes(t, c) }})
			}
		}
	}
	return out
}

// New is a column of the object at an address, and what makes bytes of it, which may be called later.
type New struct {
	Addr  uint64
	Col   int
	Bytes func() []byte
}

// Again makes a column that could not be kept news again.
func (s *Set) Again(addr uint64, col int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[addr]; t != nil && t.columns[col] != nil {
		t.columns[col].news = true
	}
}

func (s *Set) bytes(t *Table, c *column) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return c.encode(t)
}

// column is that of a number, with what was kept of it at its first use. Called locked.
func (t *Table) column(col int) *column {
	if t.columns[col] != nil || t.asked[col] || t.set.kept == nil || t.set.closed {
		return t.columns[col]
	}
	t.asked[col] = true
	room := t.set.budget.Limit() - t.set.budget.Used()
	b := t.set.kept(t.addr, col, room)
	if c := t.decode(b); c != nil && t.set.take(int64(len(b)-headBytes)) {
		t.columns[col], t.loaded = c, true
	}
	return t.columns[col]
}

// Known is in how many chunks a column is known.
func (t *Table) Known(col int) int64 {
	t.set.mu.Lock()
	defer t.set.mu.Unlock()
	if c := t.column(col); c != nil {
		return c.known
	}
	return 0
}

// Get is what is known of a column of a class in a chunk, of one that was asked for by Known or Put before. Its texts are not to be
// changed.
func (t *Table) Get(col int, class Class, chunk int64) (s Stat, ok bool) {
	t.set.mu.RLock()
	defer t.set.mu.RUnlock()
	c := t.columns[col]
	if c == nil || c.class != class || t.set.closed {
		return s, false
	}
	is := c.state[chunk]
	s = Stat{Has: is == bounded, Long: is == long}
	if c.null != nil {
		s.Null = int64(c.null[chunk])
	}
	if c.nan != nil {
		s.NaN = int64(c.nan[chunk])
	}
	if s.Has && class == Text {
		s.Min, s.Max = c.cell(c.lo[chunk]), c.cell(c.hi[chunk])
	} else if s.Has {
		s.Lo, s.Hi = c.lo[chunk], c.hi[chunk]
	}
	return s, is != unknown
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
	c := t.column(col)
	if c == nil || c.class != class {
		if c = t.add(col, class); c == nil {
			return
		}
	}
	if c.state[chunk] != unknown || !t.set.count(&c.null, t.chunks, chunk, s.Null) || !t.set.count(&c.nan, t.chunks, chunk, s.NaN) {
		return
	}
	lo, hi, is := s.Lo, s.Hi, unbounded
	switch {
	case s.Long:
		is = long
	case s.Has:
		is = bounded
	}
	if s.Has && class == Text {
		var ok bool
		if lo, hi, ok = t.set.texts(c, s.Min, s.Max); !ok {
			return
		}
	}
	c.lo[chunk], c.hi[chunk], c.state[chunk] = lo, hi, is
	c.known++
	c.news = true
}

func (t *Table) add(col int, class Class) *column {
	if !t.set.take(min(t.chunks, math.MaxInt64/entryBytes) * entryBytes) {
		return nil
	}
	c := &column{class: class, lo: make([]uint64, t.chunks), hi: make([]uint64, t.chunks), state: make([]state, t.chunks)}
	t.columns[col] = c
	return c
}

// count notes a count of a chunk; false where there is no room. Called locked.
func (s *Set) count(counts *[]uint64, chunks, chunk, n int64) bool {
	if n == 0 {
		return true
	}
	if *counts == nil {
		if !s.take(8 * chunks) {
			return false
		}
		*counts = make([]uint64, chunks)
	}
	(*counts)[chunk] = uint64(n)
	return true
}

// take reserves bytes of the budget. Called locked.
func (s *Set) take(n int64) bool {
	if s.closed || n < 0 || n > s.budget.Limit() || !s.budget.TryAcquire(n) {
		s.full = true
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
