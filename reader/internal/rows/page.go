package rows

// Page is the part of a result that Request.Offset and Limit leave.
type Page struct {
	Offset, Limit int64 // limit negative: all rows behind offset
}

// Everything is the page of all rows.
var Everything = Page{Limit: -1}

// End is the number of rows of the result behind which nothing is wanted, negative if all are.
func (g Page) End() int64 {
	if g.Limit < 0 {
		return -1
	}
	return min(g.Offset, End62) + min(g.Limit, End62-1)
}

// Of is the page's rows of a sequence, without reading those before it.
func (g Page) Of(s Sequence) Sequence {
	first := min(g.Offset, s.Len())
	n := s.Len() - first
	if g.Limit >= 0 {
		n = min(n, g.Limit)
	}
	return Cut(s, first, n)
}

// Cutter is a sequence of another package that is cut in its own way.
type Cutter interface {
	Sequence
	// Cut is n rows from the first on; both lie in it.
	Cut(first, n int64) Sequence
}

// Cut is n rows of a sequence from the first on; both lie in it.
func Cut(s Sequence, first, n int64) Sequence {
	switch s := s.(type) {
	case Span:
		return Span{Start: s.Start + first*s.Step, Step: s.Step, N: n}
	case List:
		return s[first : first+n]
	case selected:
		s.first, s.n = s.first+first, n
		return s
	case Cutter:
		return s.Cut(first, n)
	}
	return s
}

// Rest is a sequence without its first rows.
func Rest(s Sequence, n int64) Sequence { return Cut(s, n, s.Len()-n) }

// Cursor goes through the rows of a result one by one, and tells which are the page's.
type Cursor struct{ skip, left int64 } // left negative: all

// Cursor begins before the first row.
func (g Page) Cursor() Cursor { return Cursor{skip: g.Offset, left: max(g.Limit, -1)} }

// Take tells whether the next row is the page's.
func (c *Cursor) Take() bool {
	if c.skip > 0 {
		c.skip--
		return false
	}
	if c.left > 0 {
		c.left--
		return true
	}
	return c.left < 0
}

// Done tells whether no row is the page's any more.
func (c *Cursor) Done() bool { return c.left == 0 }
