package fill

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// namesOf are the names, in the cache of columns, of what a program makes of whole rows of the scan's dataset; nil where it is not kept.
func (s *Scan) namesOf(p *convert.Program) []string {
	if s.Reserved != nil || !s.Geometry.WholeRows() || !s.Kept.Keeps(p.Schema(arrow.Metadata{})) {
		return nil
	}
	return p.Names()
}

// keptNames are the names of what a scan's batches are made of; nil where nothing of that is looked for: the visitor wants the elements, or
// others' columns are kept of them.
func (s *Scan) keptNames() []string {
	if s.Visitor == nil && s.Crop != nil || s.Visitor != nil && s.Visitor.Keeps() {
		return nil
	}
	return s.namesOf(s.Program)
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
	if n >= 0 && s.Dataset.Distant {
		return s.Kept.Fits(s.BatchBytes(n))
	}
	return n >= 0 && s.Kept.Small(s.BatchBytes(n))
}

// findKept looks for a batch in the cache of columns, once until it is planned again.
func (r *Run) findKept(f *Batch) {
	if r.names == nil || f.looked || f.pages != nil || f.Rows == 0 {
		return
	}
	f.looked = true
	if first, ok := f.stretch(); ok {
		var again bool
		f.kept, again = r.scan.Kept.Find(r.names, first, f.Rows)
		f.worth = again || r.eager
		return
	}
	f.kept = r.scan.Kept.FindRows(r.names, rows.Expand(make([]int64, 0, f.Rows), f.runs))
}

// keep gives what was decoded to the cache of columns, but where a caller has the memory. The file has been found unchanged since.
func (r *Run) keep(g *group) {
	g.harvest.bring(func(f *field) { r.scan.Kept.Add(f.names, f.first, f.record.Columns()) })
	if r.names == nil || r.at != nil || r.scan.Visitor != nil {
		return
	}
	for _, f := range g.batches {
		if first, ok := f.stretch(); ok && f.worth && f.pages == nil && !f.fromCache && f.Record != nil {
			r.scan.Kept.Add(r.names, first, f.Record.Columns())
		}
	}
}

// whole tells whether a batch is in the cache as it is, so that it takes no memory.
func (f *Batch) whole() bool { return f.kept != nil && f.kept.Whole() }

// join makes a batch's record of what is kept, for the visitor if there is one.
func (g *group) join(f *Batch) error {
	columns, err := f.kept.Arrays(f.allocator(), f.Place != nil)
	f.dropKept()
	if err != nil {
		return err
	}
	record := array.NewRecord(g.scan.Program.Schema(arrow.Metadata{}), columns, f.Rows)
	for _, c := range columns {
		c.Release()
	}
	if v := g.scan.Visitor; v != nil {
		defer record.Release()
		return v.VisitKept(f, record)
	}
	f.Record, f.fromCache = record, true
	return nil
}

func (f *Batch) dropKept() {
	if f.kept != nil {
		f.kept.Release()
		f.kept = nil
	}
}

// forgo reads the batches of a group that are in the cache of columns, instead.
func (g *group) forgo() {
	for _, f := range g.batches {
		f.dropKept()
	}
	g.jobs = nil
	g.addJobs()
}

// mostCounted is how many batches KeptRows looks for: a dataset may claim any number of rows.
const mostCounted = 1 << 16

// KeptRows is how many rows of the scan are in the cache of columns now, of its first 65,536 batches.
func (s *Scan) KeptRows() (n int64) {
	names := s.namesOf(s.Program)
	if names == nil || s.Rows == nil || s.Passes != rows.Once() {
		return 0
	}
	blocks := s.newBlocks()
	if blocks.Check() != nil {
		return 0
	}
	for range mostCounted {
		b, ok := blocks.Next()
		if !ok {
			break
		}
		if f := (&Batch{Batch: b, runs: blocks.Runs(s.Rows, b)}); s.has(names, f) {
			n += f.Rows
		}
	}
	return n
}

func (s *Scan) has(names []string, f *Batch) bool {
	if first, ok := f.stretch(); ok {
		return s.Kept.Has(names, first, f.Rows)
	}
	return s.Kept.HasRows(names, rows.Expand(make([]int64, 0, f.Rows), f.runs))
}

// fewRows is how many rows in any order are looked for one by one.
const fewRows = 1 << 16

// AllKept tells whether all rows of the scan are in the cache of columns now.
func (s *Scan) AllKept() bool {
	names := s.namesOf(s.Program)
	if names == nil || s.Rows == nil || !s.Kept.Fits(rows.Times(s.Rows.Len(), s.RowBytes())) {
		return false
	}
	if _, ok := rows.FirstAscending(s.Rows); ok || s.Rows.Len() <= fewRows {
		return s.KeptRows() == s.Rows.Len()
	}
	return s.Kept.Has(names, 0, s.Geometry.Shape[s.Geometry.Rows])
}
