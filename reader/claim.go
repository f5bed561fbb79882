package reader

import (
	"context"
	"math"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// claim is the memory of a request that reads large chunks, reserved in one step: requests that each have a part of what they
// need would wait for each other.
type claim struct {
	mem   *bufpool.Memory // for batches, rows and what else is not a chunk
	held  *held
	slots int   // chunks that can be decoded at once
	whole bool  // all chunks that a batch is cut of stay there for the next one
	group int64 // bytes of batches that are filled together
	stop  func()
}

// large gives the heaviest chunk of a plan if so many of its kind as are decoded at once would take more than a quarter of the
// budget.
func (p *Plan) large() (heavy, bool) {
	s, ok := p.store.(heavier)
	if !ok {
		return heavy{}, false
	}
	h := s.heaviest()
	return h, h.need >= p.ds.file.eng.largeBytes()
}

// largeBytes is from how many bytes on a chunk is large.
func (e *Engine) largeBytes() int64 { return e.mem.Budget.Limit() / int64(4*e.cfg.Workers) }

// wants is what the runs of plans side by side take.
type wants struct {
	heavy       heavy // the heaviest
	chunks, few int64 // bytes to decode as many chunks at once as help, and one
	rest, least int64 // bytes for all else: as many as help, and as few as do
	slots       int
	whole       bool
}

// wants are those of a plan's runs; false where no chunk is large.
func (p *Plan) wants() (w wants, ok bool) {
	w.heavy, ok = p.large()
	if !ok {
		return w, false
	}
	limit := p.ds.file.eng.mem.Budget.Limit()
	unit := p.unit(w.heavy) + p.sorting()
	most := max(1, limit/2/w.heavy.need) // at once
	side := min(times(p.geo.wide(), w.heavy.wide), w.heavy.chunks)
	w.slots, w.whole = int(max(1, min(int64(p.workers()), w.heavy.chunks, most))), side <= most
	if w.whole {
		w.slots = max(w.slots, int(side))
	}
	w.few, w.chunks = w.heavy.need, int64(w.slots)*w.heavy.need
	w.least, w.rest = unit, max(times(int64(2*w.slots+3), unit), min(p.beside(w.whole), limit/2))
	if _, listed := p.fixed.(rowList); listed || p.fixed == nil { // rows that were found take up to half of it
		w.least = times(2, unit)
	}
	return w, true
}

// beside is what a request takes besides batches, up to half of the budget: batches that are filled at the same time where
// chunks cannot stay until the next one, rows that are found or sorted.
func (p *Plan) beside(whole bool) int64 {
	limit := p.ds.file.eng.mem.Budget.Limit()
	switch _, listed := p.fixed.(rowList); {
	case p.fixed == nil:
		return limit / 8
	case !whole || listed:
		return min(limit/2, times(4, p.batchBytes(p.fixed.Len())))
	}
	return 0
}

// unit is what a batch takes, with the rows that are read for it where they are not decoded.
func (p *Plan) unit(h heavy) int64 {
	rows := p.size
	if p.fixed != nil {
		rows = min(rows, p.fixed.Len())
	}
	n := p.batchBytes(rows) + 1<<16
	if s := p.store.need(p.chunkBytes(), &held{}); s > 0 { // virtual: what its chunk is put together in
		n += s + s/4
	}
	if h.bare {
		n += min(times(rows, p.chunkBytes()/p.geo.chunk[p.geo.rows]), h.decoded/2)
	}
	return min(n, end62)
}

// sorting is what beside batches makes sure that there is room to merge all runs of keys: a part of it is for keys, and each
// run takes a buffer.
func (p *Plan) sorting() int64 {
	if p.req.SortBy == "" {
		return 0
	}
	each := int64(pairBytes)
	if class, _, err := p.ds.order(p.req.SortBy); err == nil && class == ptindex.Bytes {
		each = wordBytes + int64(p.program.ElemSize())
	}
	return (sortShareHeld + 1) * int64(math.Sqrt(float64(p.ds.rows()*each*leastBuffer)))
}

// claim reserves what a request wants or, where that is not free, what it needs. Errors: fault.Exhausted, naming the chunk where
// the budget never has so much, ctx's.
func (e *Engine) claim(ctx context.Context, of *Dataset, w wants) (*claim, error) {
	limit := e.mem.Budget.Limit()
	if w.few+w.least > limit {
		return nil, e.tooLarge(of, w)
	}
	c := &claim{slots: w.slots, whole: w.whole}
	room := w.chunks
	var l *bufpool.Lease
	if room+w.least <= limit {
		l = e.mem.TryLease(room + min(w.rest, limit-room))
	}
	if l == nil {
		room, c.slots, c.whole = w.few, 1, w.whole && w.chunks == w.few
		var err error
		if l, err = e.mem.Lease(ctx, room+w.least); err != nil {
			return nil, err
		}
	}
	turn := l.Split(room)
	c.mem = l.Part(min(w.rest, limit-room))
	c.group = max(0, c.mem.Budget.Limit()-w.least) / 4
	if !c.whole { // each group decodes all of its chunks again
		c.group *= 2
	}
	c.held = newHeld(e.mem, e.log, turn, c.mem.Budget, room, e.largeBytes())
	c.stop = e.mem.Budget.OnShortage(c.held.spare)
	return c, nil
}

// tooLarge says what would help.
func (e *Engine) tooLarge(of *Dataset, w wants) error {
	const mega = 1 << 20
	h := w.heavy
	setting := (w.few + w.least + 1) * cacheShare * statsShare / (cacheShare*statsShare - cacheShare - statsShare)
	name := ""
	if h.of != of.asked {
		name = h.of + ": "
	}
	return fault.New(fault.Exhausted, "%schunk %d, of %d bytes stored and %d decoded, takes %d bytes of memory to decode and a batch of it %d, all buffers may take %d: start the server with --memory %dMB",
		name, h.chunk, h.stored, h.decoded, w.few, w.least, e.mem.Budget.Limit(), setting/mega+1)
}

func (c *claim) close() {
	c.stop()
	c.held.close()
	c.mem.Budget.Close()
}

// mem is where a plan's memory comes from: a part of the engine's that its request has claimed, or else any.
func (p *Plan) mem() *bufpool.Memory {
	if p.claim != nil {
		return p.claim.mem
	}
	return p.ds.file.eng.mem
}

// held are the large chunks of the request; nil: it has none.
func (p *Plan) held() *held {
	if p.claim != nil {
		return p.claim.held
	}
	return nil
}

// reserve gives a run the memory for large chunks, if it reads such and its request does not have it.
func (r *Run) reserve() error {
	if r.plan.claim != nil {
		return nil
	}
	wants := r.plan.wants
	if r.plan.frame != nil {
		wants = r.plan.frame.wants
	}
	w, ok := wants()
	if !ok {
		return nil
	}
	c, err := r.plan.ds.file.eng.claim(r.ctx, r.plan.ds, w)
	if err != nil {
		return err
	}
	p := *r.plan
	p.claim, r.claim, r.plan = c, c, &p
	r.queue = p.ds.file.eng.workers.NewQueue(p.workers())
	return nil
}

// wants are those of all parts: they take turns where all their chunks are too much.
func (f *framePlan) wants() (w wants, ok bool) {
	w.whole = true
	for _, p := range f.parts {
		part, large := p.wants()
		if !large {
			part.least = p.unit(heavy{})
			part.rest = times(5, part.least)
		}
		w.least, w.rest = min(w.least+times(2, part.least), end62), min(w.rest+part.rest, end62)
		w.chunks, w.slots = w.chunks+part.chunks, w.slots+part.slots
		w.whole = w.whole && (part.whole || !large)
		if part.few > w.few {
			w.few, w.heavy, ok = part.few, part.heavy, true
		}
	}
	if !ok {
		return w, false
	}
	copies := times(f.parts[0].size, f.copied())
	w.least, w.rest = min(w.least+copies, end62), min(w.rest+times(2, copies), end62)
	if limit := f.parts[0].budget().Limit(); w.chunks > limit/2 {
		w.chunks, w.slots, w.whole = w.few, 1, false
		w.rest = max(w.rest, limit/2)
	}
	return w, true
}
