package fill

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// keptNames are the names, in the cache of columns, of what a scan's batches are made of; nil where nothing of it is kept.
func (s *Scan) keptNames() []string {
	if s.Visitor != nil || s.Reserved != nil || !s.Geometry.WholeRows() || !s.Kept.Keeps(s.Program.Schema(arrow.Metadata{})) {
		return nil
	}
	return s.Program.Names()
}

// stretch is the first row of a batch's, if those follow each other.
func (f *Batch) stretch() (first int64, ok bool) {
	if len(f.runs) != 1 || f.Rows == 0 {
		return 0, false
	}
	r := f.runs[0]
	return r.Src, r.Dst == 0 && r.N == f.Rows && (r.Step == 1 || r.N == 1)
}

// eager tells whether what is read is kept at once: a small result, and what will be read again if there is room for all of it.
func (s *Scan) eager() bool {
	if s.Passes.Cycles != 1 && s.Rows != nil {
		return s.Kept.Fits(s.BatchBytes(s.Rows.Len()))
	}
	n := s.Known()
	return n >= 0 && s.Kept.Small(s.BatchBytes(n))
}

// findKept takes batches from the cache of columns.
func (r *Run) findKept(fills []*Batch) {
	if r.names == nil {
		return
	}
	for _, f := range fills {
		if first, ok := f.stretch(); ok && f.pages == nil {
			var again bool
			f.kept, again = r.scan.Kept.Find(r.names, first, f.Rows)
			f.worth = again || r.eager
		}
	}
}

// keep gives what was decoded to the cache of columns, but where a caller has the memory. The file has been found unchanged since.
func (r *Run) keep(fills []*Batch) {
	if r.names == nil || r.at != nil {
		return
	}
	for _, f := range fills {
		if first, ok := f.stretch(); ok && f.worth && f.pages == nil && !f.fromCache && f.Record != nil {
			r.scan.Kept.Add(r.names, first, f.Record.Columns())
		}
	}
}

// whole tells whether a batch is in the cache as it is, so that it takes no memory.
func (f *Batch) whole() bool {
	for _, p := range f.kept {
		if !p.Whole() {
			return false
		}
	}
	return f.kept != nil
}

// join makes a batch's record of what is kept.
func (g *group) join(f *Batch) error {
	columns := make([]arrow.Array, 0, len(f.kept))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, p := range f.kept {
		c, err := p.Array(f.allocator(), f.Place != nil)
		if err != nil {
			return err
		}
		columns = append(columns, c)
	}
	f.Record = array.NewRecord(g.scan.Program.Schema(arrow.Metadata{}), columns, f.Rows)
	f.fromCache = true
	f.dropKept()
	return nil
}

func (f *Batch) dropKept() {
	colcache.Release(f.kept)
	f.kept = nil
}

// KeptRows is how many rows of the scan are in the cache of columns now.
func (s *Scan) KeptRows() (n int64) {
	names := s.keptNames()
	if names == nil || s.Rows == nil || s.Passes != rows.Once() {
		return 0
	}
	blocks := s.newBlocks()
	if blocks.Check() != nil {
		return 0
	}
	for {
		b, ok := blocks.Next()
		if !ok {
			return n
		}
		f := &Batch{Batch: b, runs: blocks.Runs(s.Rows, b)}
		if first, ok := f.stretch(); ok && s.Kept.Has(names, first, f.Rows) {
			n += f.Rows
		}
	}
}
