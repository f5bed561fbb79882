package store

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/filter"
)

const (
	turnTime  = 2 * time.Second        // that a request keeps its turn while others wait
	turnWorth = 5                      // and in addition, how many times as long as its first chunk took
	turnTries = 10                     // to get another, each as long as any wait
	turnIdle  = 100 * time.Millisecond // that it may do nothing in it meanwhile
)

// Pins is the decoded large chunks of one request, each kept until the room is needed for another, so that it is decoded once
// for all batches that are cut of it.
//
// The room is reserved in turns: requests that wait for theirs hold no chunks. Turns begin in the goroutine of the run, groups of
// batches share one; its end throws the chunks away.
type Pins struct {
	mem   *bufpool.Memory
	rest  *bufpool.Budget // what the request has beside the room; between turns it keeps what is in use
	log   *zap.Logger
	room  int64 // bytes of a turn
	least int64 // bytes that a chunk needs to be held

	mu     sync.Mutex
	free   sync.Cond
	lease  *bufpool.Lease // of the turn, nil between turns
	since  time.Time      // of the turn
	cost   time.Duration  // from there until the first chunk was decoded, 0 before
	left   time.Time      // when the last group ended
	groups int            // at work
	taken  int64
	chunks []*pin // used last at the end
}

// pin is a chunk, decoded in buffers of the turn's lease.
type pin struct {
	key   chunkcache.Key
	takes int64
	users int
	ready bool
	codec *filter.Scratch
	raw   []byte // what was read, if those are the elements
	elems convert.Elems
}

// Holds tells whether chunks that need so many bytes to be decoded are held; none are by nil.
func (h *Pins) Holds(need int64) bool { return h != nil && need >= h.least }

// NewPins begins with a turn, whose bytes the lease has.
func NewPins(mem *bufpool.Memory, log *zap.Logger, turn *bufpool.Lease, rest *bufpool.Budget, room, least int64) *Pins {
	h := &Pins{mem: mem, rest: rest, log: log, room: room, least: least, lease: turn, since: time.Now()}
	h.free.L = &h.mu
	return h
}

// Begin counts a group of batches, in a turn. Without wait it is false where there is no turn just now. Errors: those of
// bufpool.Memory.Lease.
func (h *Pins) Begin(ctx context.Context, wait bool) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lease != nil && time.Since(h.since) > turnTime+turnWorth*h.cost && h.mem.Budget.Wanted() {
		if !wait {
			return false, nil
		}
		h.giveUp()
	}
	if h.lease == nil {
		if err := h.turn(ctx, wait); h.lease == nil || err != nil {
			return false, err
		}
	}
	h.groups++
	return true, nil
}

// turn reserves the room. Called locked; others may look while it waits.
func (h *Pins) turn(ctx context.Context, wait bool) (err error) {
	h.mu.Unlock()
	need := h.room + h.rest.Lacks()
	l := h.mem.TryLease(need)
	for tries := 0; l == nil && wait && tries < turnTries; tries++ { // a client has its rows in part: better late than never
		if l, err = h.mem.Lease(ctx, need); fault.Of(err) != fault.Exhausted {
			break
		}
	}
	h.mu.Lock()
	if l != nil {
		h.lease, h.since, h.cost = l.Split(h.room), time.Now(), 0
		l.Refill(h.rest)
	}
	return err
}

// End uncounts a group.
func (h *Pins) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.groups--
	h.left = time.Now()
}

// Spare ends a turn in which nothing is done: others want the room.
func (h *Pins) Spare() {
	h.mu.Lock()
	defer h.mu.Unlock()
	most := max(turnIdle, h.cost) // to decode it again takes as long
	if time.Since(h.left) > most && time.Since(h.since) > most && h.mem.Budget.Wanted() {
		h.giveUp()
	}
}

// giveUp ends the turn unless a group is at work. Called locked.
func (h *Pins) giveUp() {
	if h.lease == nil || h.groups > 0 {
		return
	}
	for len(h.chunks) > 0 {
		h.drop(0)
	}
	h.lease.Close()
	h.lease = nil
	h.rest.Shrink()
}

// Close ends the last turn; no group is at work.
func (h *Pins) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.giveUp()
}

// drop throws a chunk away. Called locked.
func (h *Pins) drop(i int) {
	c := h.chunks[i]
	h.chunks = append(h.chunks[:i:i], h.chunks[i+1:]...)
	h.taken -= c.takes
	c.codec.Release()
	h.lease.Free(c.raw)
}

// use calls use with the elements of a chunk. Where it is not there decode makes it, with buffers from the lease: need bytes of
// them, of which it says how many are kept.
func (h *Pins) use(key chunkcache.Key, need int64, decode func(c *pin, l *bufpool.Lease) (kept int64, err error), use func(convert.Elems) error) error {
	c := h.find(key, need)
	defer h.leave(c)
	if !c.ready {
		kept, err := decode(c, h.lease)
		if err != nil {
			return err
		}
		h.decoded(c, kept)
	}
	return use(c.elems)
}

// find gives a chunk that is there, or one to be decoded by the caller: it waits for others who decode it, and for room. Either
// is counted.
func (h *Pins) find(key chunkcache.Key, need int64) *pin {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		i, wait := h.look(key)
		switch {
		case i >= 0:
			c := h.chunks[i]
			h.chunks = append(append(h.chunks[:i:i], h.chunks[i+1:]...), c)
			c.users++
			return c
		case !wait && h.clear(need):
			c := &pin{key: key, takes: need, users: 1, codec: filter.NewScratch(h.lease.Allocate, h.lease.Free)}
			h.taken += need
			h.chunks = append(h.chunks, c)
			return c
		}
		h.free.Wait()
	}
}

// look is where a chunk is, -1 if it is not there; wait: it is being decoded. Called locked.
func (h *Pins) look(key chunkcache.Key) (i int, wait bool) {
	for i, c := range h.chunks {
		if c.key == key && c.ready {
			return i, false
		}
		wait = wait || c.key == key
	}
	return -1, wait
}

// clear makes room by throwing away what nobody uses, what was used last in the end; false if it is not enough. A chunk that
// alone is more than the room is, is decoded alone. Called locked.
func (h *Pins) clear(need int64) bool {
	for i := 0; i < len(h.chunks) && h.taken+need > h.room; {
		if h.chunks[i].users > 0 {
			i++
			continue
		}
		h.drop(i)
	}
	return h.taken+need <= h.room || len(h.chunks) == 0
}

// decoded lets others use a chunk.
func (h *Pins) decoded(c *pin, kept int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log.Debug("decoded a large chunk", zap.Uint64("chunk", c.key.Chunk), zap.Int("bytes", len(c.elems.Data)))
	if h.cost == 0 {
		h.cost = time.Since(h.since)
	}
	h.taken -= c.takes - kept
	c.takes, c.ready = kept, true
	h.free.Broadcast()
}

// leave uncounts a chunk; one that failed is thrown away.
func (h *Pins) leave(c *pin) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.users--
	if !c.ready {
		for i := range h.chunks {
			if h.chunks[i] == c {
				h.drop(i)
				break
			}
		}
	}
	h.free.Broadcast()
}
