package reader

import (
	"context"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
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
func (s *scan) large() (heavy, bool) {
	st, ok := s.store.(heavier)
	if !ok {
		return heavy{}, false
	}
	h := st.heaviest()
	return h, h.need >= s.largeBytes()
}

// largeBytes is from how many bytes on a chunk is large.
func (e *shared) largeBytes() int64 { return e.mem.Budget.Limit() / int64(4*e.count) }

// wants is what the runs of plans side by side take.
type wants struct {
	heavy       heavy // the heaviest
	chunks, few int64 // bytes to decode as many chunks at once as help, and one
	rest, least int64 // bytes for all else: as many as help, and as few as do
	slots       int
	whole       bool
}

// wants are those of a scan; sorting is what it takes beside batches to sort its rows. It is false where no chunk is large.
func (s *scan) wants(sorting int64) (w wants, ok bool) {
	w.heavy, ok = s.large()
	if !ok {
		return w, false
	}
	limit := s.mem.Budget.Limit()
	unit := s.unit(w.heavy) + sorting
	most := max(1, limit/2/w.heavy.need) // at once
	side := min(times(s.geo.wide(), w.heavy.wide), w.heavy.chunks)
	w.slots, w.whole = int(max(1, min(int64(s.mostWorkers()), w.heavy.chunks, most))), side <= most
	if w.whole {
		w.slots = max(w.slots, int(side))
	}
	w.few, w.chunks = w.heavy.need, int64(w.slots)*w.heavy.need
	w.least, w.rest = unit, max(times(int64(2*w.slots+3), unit), min(s.beside(w.whole), limit/2))
	if _, listed := s.rows.(rowList); listed || s.rows == nil { // rows that were found take up to half of it
		w.least = times(2, unit)
	}
	return w, true
}

// beside is what a request takes besides batches, up to half of the budget: batches that are filled at the same time where
// chunks cannot stay until the next one, rows that are found or sorted.
func (s *scan) beside(whole bool) int64 {
	limit := s.mem.Budget.Limit()
	switch _, listed := s.rows.(rowList); {
	case s.rows == nil:
		return limit / 8
	case !whole || listed:
		return min(limit/2, times(4, s.batchBytes(s.rows.Len())))
	}
	return 0
}

// unit is what a batch takes, with the rows that are read for it where they are not decoded.
func (s *scan) unit(h heavy) int64 {
	size := s.size
	if s.rows != nil {
		size = min(size, s.rows.Len())
	}
	n := s.batchBytes(size) + 1<<16
	if need := s.store.need(s.chunkBytes(), &held{}); need > 0 { // virtual: what its chunk is put together in
		n += need + need/4
	}
	if h.bare {
		n += min(times(size, s.chunkBytes()/s.chunkRows()), h.decoded/2)
	}
	return min(n, end62)
}

// reserve reserves what a request wants or, where that is not free, what it needs. Errors: fault.Exhausted, naming the chunk where
// the budget never has so much, ctx's.
func (e *shared) reserve(ctx context.Context, of string, w wants) (*claim, error) {
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

// tooLarge says what would hels.
func (e *shared) tooLarge(of string, w wants) error {
	const mega = 1 << 20
	h := w.heavy
	setting := e.setting(w.few + w.least + 1)
	name := ""
	if h.of != of {
		name = h.of + ": "
	}
	return fault.New(fault.Exhausted, "%schunk %d, of %d bytes stored and %d decoded, takes %d bytes of memory to decode and a batch of it %d, all buffers may take %d: start the server with --memory %dMB",
		name, h.chunk, h.stored, h.decoded, w.few, w.least, e.mem.Budget.Limit(), setting/mega+1)
}

// close gives all back; nil has nothing.
func (c *claim) close() {
	if c == nil {
		return
	}
	c.stop()
	c.held.close()
	c.mem.Budget.Close()
}

// memory is where a scan's memory comes from: a part of the engine's that its request has reserved, or else any.
func (s *scan) memory() *bufpool.Memory {
	if s.claim != nil {
		return s.claim.mem
	}
	return s.mem
}

func (s *scan) budget() *bufpool.Budget { return s.memory().Budget }

// pinned are the large chunks of the request; nil: it has none.
func (s *scan) pinned() *held {
	if s.claim != nil {
		return s.claim.held
	}
	return nil
}

// with is the scan in what its request has reserved; sides is how many share it.
func (s *scan) with(c *claim, sides int) *scan {
	q := *s
	q.claim, q.sides = c, sides
	return &q
}
