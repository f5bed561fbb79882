package fill

import (
	"context"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// Reservation is the memory of a request that reads large chunks, reserved in one step: requests that each have a part of what they
// need would wait for each other.
type Reservation struct {
	Mem   *bufpool.Memory // for batches, rows and what else is not a chunk
	pins  *store.Pins
	slots int   // chunks that can be decoded at once
	whole bool  // all chunks that a batch is cut of stay there for the next one
	group int64 // bytes of batches that are filled together
	stop  func()
}

// large gives the heaviest chunk of a plan if so many of its kind as are decoded at once would take more than a quarter of the
// budget.
func (s *Scan) large() (store.Weight, bool) {
	st, ok := s.Store.(store.Weighed)
	if !ok {
		return store.Weight{}, false
	}
	h := st.Heaviest()
	return h, h.Need >= s.LargeBytes()
}

// LargeBytes is from how many bytes on a chunk is large.
func (e *Engine) LargeBytes() int64 { return e.Mem.Budget.Limit() / int64(4*e.WorkerCount) }

// Demand is the memory of a request that reads large chunks, in bytes: what its scans take side by side.
type Demand struct {
	Heaviest                  store.Weight // the heaviest chunk
	ChunkBytes, MinChunkBytes int64        // to decode as many chunks at once as help, and one
	RestBytes, MinRestBytes   int64        // for batches, rows and keys: as much as helps, and as little as does
	Slots                     int
	Whole                     bool
}

// Demand is that of a scan; sorting is what it takes beside batches to sort its rows. It is false where no chunk is large.
func (s *Scan) Demand(sorting int64) (w Demand, ok bool) {
	w.Heaviest, ok = s.large()
	if !ok {
		return w, false
	}
	limit := s.Mem.Budget.Limit()
	unit := s.Unit(w.Heaviest) + sorting
	most := max(1, limit/2/w.Heaviest.Need) // at once
	side := min(rows.Times(s.Geometry.ChunksPerRow(), w.Heaviest.PerChunk), w.Heaviest.Chunks)
	w.Slots, w.Whole = int(max(1, min(int64(s.mostWorkers()), w.Heaviest.Chunks, most))), side <= most
	if w.Whole {
		w.Slots = max(w.Slots, int(side))
	}
	w.MinChunkBytes, w.ChunkBytes = w.Heaviest.Need, int64(w.Slots)*w.Heaviest.Need
	w.MinRestBytes, w.RestBytes = unit, max(rows.Times(int64(2*w.Slots+3), unit), min(s.beside(w.Whole), limit/2))
	if _, listed := s.Rows.(rows.List); listed || s.Rows == nil { // rows that were found take up to half of it
		w.MinRestBytes = rows.Times(2, unit)
	}
	return w, true
}

// beside is what a request takes besides batches, up to half of the budget: batches that are filled at the same time where
// chunks cannot stay until the next one, rows that are found or sorted.
func (s *Scan) beside(whole bool) int64 {
	limit := s.Mem.Budget.Limit()
	switch _, listed := s.Rows.(rows.List); {
	case s.Rows == nil:
		return limit / 8
	case !whole || listed:
		return min(limit/2, rows.Times(4, s.BatchBytes(s.Rows.Len())))
	}
	return 0
}

// Unit is what a batch takes, with the rows that are read for it where they are not decoded.
func (s *Scan) Unit(h store.Weight) int64 {
	size := s.Size
	if s.Rows != nil {
		size = min(size, s.Rows.Len())
	}
	n := s.BatchBytes(size) + 1<<16
	if need := s.Store.Need(s.ChunkBytes(), &store.Pins{}); need > 0 { // virtual: what its chunk is put together in
		n += need + need/4
	}
	if h.Verbatim {
		n += min(rows.Times(size, s.ChunkBytes()/s.ChunkRows()), h.Decoded/2)
	}
	return min(n, rows.End62)
}

// side is a read of one dataset of several.
type side interface {
	Scan() *Scan
	Demand() (Demand, bool)
}

// Together is the demand of reads side by side, of at least one: they take turns where all their chunks are too much. copies is what a
// batch takes beside theirs.
func Together[S side](sides []S, copies int64) (w Demand, ok bool) {
	w.Whole = true
	for _, p := range sides {
		part, large := p.Demand()
		if !large {
			part.MinRestBytes = p.Scan().Unit(store.Weight{})
			part.RestBytes = rows.Times(5, part.MinRestBytes)
		}
		w.MinRestBytes, w.RestBytes = min(w.MinRestBytes+rows.Times(2, part.MinRestBytes), rows.End62), min(w.RestBytes+part.RestBytes, rows.End62)
		w.ChunkBytes, w.Slots = w.ChunkBytes+part.ChunkBytes, w.Slots+part.Slots
		w.Whole = w.Whole && (part.Whole || !large)
		if part.MinChunkBytes > w.MinChunkBytes {
			w.MinChunkBytes, w.Heaviest, ok = part.MinChunkBytes, part.Heaviest, true
		}
	}
	if !ok {
		return w, false
	}
	w.MinRestBytes, w.RestBytes = min(w.MinRestBytes+copies, rows.End62), min(w.RestBytes+rows.Times(2, copies), rows.End62)
	if limit := sides[0].Scan().Budget().Limit(); w.ChunkBytes > limit/2 {
		w.ChunkBytes, w.Slots, w.Whole = w.MinChunkBytes, 1, false
		w.RestBytes = max(w.RestBytes, limit/2)
	}
	return w, true
}

// Reserve reserves what a request wants or, where that is not free, what it needs. Errors: fault.Exhausted, naming the chunk where
// the budget never has so much, ctx's.
func (e *Engine) Reserve(ctx context.Context, of string, w Demand) (*Reservation, error) {
	limit := e.Mem.Budget.Limit()
	if w.MinChunkBytes+w.MinRestBytes > limit {
		return nil, e.tooLarge(of, w)
	}
	c := &Reservation{slots: w.Slots, whole: w.Whole}
	room := w.ChunkBytes
	var l *bufpool.Lease
	if room+w.MinRestBytes <= limit {
		l = e.Mem.TryLease(room + min(w.RestBytes, limit-room))
	}
	if l == nil {
		room, c.slots, c.whole = w.MinChunkBytes, 1, w.Whole && w.ChunkBytes == w.MinChunkBytes
		var err error
		if l, err = e.Mem.Lease(ctx, room+w.MinRestBytes); err != nil {
			return nil, err
		}
	}
	turn := l.Split(room)
	c.Mem = l.Part(min(w.RestBytes, limit-room))
	c.group = max(0, c.Mem.Budget.Limit()-w.MinRestBytes) / 4
	if !c.whole { // each group decodes all of its chunks again
		c.group *= 2
	}
	c.pins = store.NewPins(e.Mem, e.Log, turn, c.Mem.Budget, room, e.LargeBytes())
	c.stop = e.Mem.Budget.OnShortage(c.pins.Yield)
	return c, nil
}

// tooLarge says what would help.
func (e *Engine) tooLarge(of string, w Demand) error {
	const mega = 1 << 20
	h := w.Heaviest
	setting := e.MemoryFor(w.MinChunkBytes + w.MinRestBytes + 1)
	name := ""
	if h.Of != of {
		name = h.Of + ": "
	}
	return fault.New(fault.Exhausted, "%schunk %d, of %d bytes stored and %d decoded, takes %d bytes of memory to decode and a batch of it %d, all buffers may take %d: start the server with --memory %dMB",
		name, h.Chunk, h.Stored, h.Decoded, w.MinChunkBytes, w.MinRestBytes, e.Mem.Budget.Limit(), setting/mega+1)
}

// Close gives all back; nil has nothing.
func (c *Reservation) Close() {
	if c == nil {
		return
	}
	c.stop()
	c.pins.Close()
	c.Mem.Budget.Close()
}

// Memory is where a scan's memory comes from: a part of the engine's that its request has reserved, or else any.
func (s *Scan) Memory() *bufpool.Memory {
	if s.Reserved != nil {
		return s.Reserved.Mem
	}
	return s.Mem
}

func (s *Scan) Budget() *bufpool.Budget { return s.Memory().Budget }

// pins are the large chunks of the request; nil: it has none.
func (s *Scan) pins() *store.Pins {
	if s.Reserved != nil {
		return s.Reserved.pins
	}
	return nil
}

// WithReservation is the scan in what its request has reserved; sides is how many share it.
func (s *Scan) WithReservation(c *Reservation, sides int) *Scan {
	q := *s
	q.Reserved, q.Sides = c, sides
	return &q
}
