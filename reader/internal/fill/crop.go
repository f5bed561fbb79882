package fill

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// crop is columns that are kept of the chunks that a scan decodes for something else: all their rows, for whoever wants others of those.
type crop struct {
	program *convert.Program
	names   []string // in the cache of columns
	field   int64    // chunks of which the columns are kept as one array: as many as a scan of all rows puts into a batch
}

// crops are those of a scan; none where the cache has no room for all of the dataset.
func (s *Scan) crops() (out []crop) {
	programs := s.Crop
	if programs == nil && s.Visitor == nil {
		programs = []*convert.Program{s.Program}
	}
	for _, p := range programs {
		if names := s.namesOf(p); names != nil && s.Geometry.ChunksPerRow() == 1 && s.Kept.Fits(s.cropBytes(p)) {
			row := max(1, p.BatchBytes(1024)/1024)
			out = append(out, crop{p, names, max(1, DefaultBatch/row/s.ChunkRows())})
		}
	}
	return out
}

// cropBytes is what a program makes of all rows of the dataset.
func (s *Scan) cropBytes(p *convert.Program) int64 {
	return min(p.BatchBytes(int(s.Geometry.Shape[s.Geometry.Rows])), rows.End62)
}

// roomy tells whether there is room for crops of all chunks.
func (s *Scan) roomy(crops []crop) bool {
	bytes := int64(0)
	for _, c := range crops {
		bytes += s.cropBytes(c.program)
	}
	return len(crops) > 0 && s.Kept.Room(bytes)
}

// harvest is what a group keeps of the chunks that it decodes.
type harvest struct {
	lease  *bufpool.Lease     // of its memory; nil: nothing is kept
	fields map[int64][]*field // by the number of a chunk along the rows
	all    []*field
}

// field is columns of neighbouring chunks in the making.
type field struct {
	crop
	first, n int64 // rows
	last     int64 // chunk
	left     int   // chunks to come; guarded by the group's mu
	columns  *convert.Batch
	record   arrow.Record // nil: not all chunks came, or something could not be made of rows that nobody asked for
}

// plant chooses the chunks of a group of which columns are kept, if there is memory for them just now. Jobs come in the order of chunks.
func (r *Run) plant(g *group) {
	s, h := r.scan, &g.harvest
	if len(r.crops) == 0 || s.Budget().Wanted() {
		return
	}
	h.fields = map[int64][]*field{}
	for _, c := range r.crops {
		for _, j := range g.jobs {
			chunk := j.at[s.Geometry.Rows]
			first := chunk * s.ChunkRows()
			n := min(s.ChunkRows(), s.Geometry.Shape[s.Geometry.Rows]-first)
			if g.sows(j, c, first, n, r.roomy) {
				h.sow(c, chunk, first, n)
			}
		}
	}
	bytes := int64(0)
	for _, f := range h.all {
		bytes += f.program.BatchBytes(int(f.n))
	}
	if bytes > 0 && s.Kept.Fits(bytes) {
		h.lease = s.Memory().TryLease(bytes)
	}
	if h.lease == nil {
		h.fields, h.all = nil, nil
		return
	}
	for _, f := range h.all {
		f.columns = f.program.NewBatch(h.lease, int(f.n), nil, f.first)
	}
}

// sow adds a chunk to the field before, or begins one.
func (h *harvest) sow(c crop, chunk, first, n int64) {
	if k := len(h.all) - 1; k >= 0 {
		if f := h.all[k]; f.program == c.program && f.last+1 == chunk && chunk%c.field != 0 {
			f.last, f.n, f.left = chunk, f.n+n, f.left+1
			h.fields[chunk] = append(h.fields[chunk], f)
			return
		}
	}
	f := &field{crop: c, first: first, n: n, last: chunk, left: 1}
	h.all = append(h.all, f)
	h.fields[chunk] = append(h.fields[chunk], f)
}

// sows tells whether columns of a job's chunk are kept: they are not there yet, and there is room for those of all chunks or they were
// missed before. A chunk that the cache of decoded chunks keeps is left to that, one that becomes a batch's columns as a whole to keep.
func (g *group) sows(j job, c crop, first, n int64, roomy bool) bool {
	s := g.scan
	if s.Visitor == nil && s.Crop == nil && (g.worthCaching || !g.partial(j)) || s.Kept.Has(c.names, first, n) {
		return false
	}
	return roomy || s.Kept.Missed(c.names, first, n)
}

// front is the elements of a job's chunk, and the bytes of each, that are needed.
func (g *group) front(j job) (elems, bytes int) {
	elems, bytes = g.lastElem(j)+1, g.scan.Program.Reach()
	for _, f := range g.harvest.fields[j.at[g.scan.Geometry.Rows]] {
		elems, bytes = int(rows.Product(g.scan.Geometry.Chunk)), max(bytes, f.program.Reach())
	}
	return elems, bytes
}

// reap puts a job's chunk into the columns that are kept of it. fill: e is one element that stands for all.
func (g *group) reap(j job, e convert.Elems, fill bool) {
	geo, parts := g.scan.Geometry, slices.Clone(j.parts)
	chunk := j.at[geo.Rows]
	for _, f := range g.harvest.fields[chunk] {
		at := chunk*g.scan.ChunkRows() - f.first
		parts[geo.Rows] = []rows.Run{{Dst: at, Step: 1, N: min(g.scan.ChunkRows(), f.n-at)}}
		put := scatterPart(geo, f.columns, e, fill, parts) == nil
		g.mu.Lock()
		if put {
			f.left--
		}
		ripe := put && f.left == 0
		g.mu.Unlock()
		if ripe {
			f.record, _ = f.columns.Record()
		}
	}
}

// bring uses what was kept, and lets go of it. No task runs any more.
func (h *harvest) bring(use func(f *field)) {
	for _, f := range h.all {
		if f.record != nil {
			use(f)
			f.record.Release()
		}
		f.columns.Release()
	}
	h.all, h.fields = nil, nil
	if h.lease != nil {
		h.lease.Close()
	}
}
