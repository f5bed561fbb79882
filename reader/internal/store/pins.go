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

// Pins is the decoded large chunks of one request, each pinned until the room is needed for another, so that it is decoded once
// for all batches that are cut of it.
//
// The room is reserved in turns: requests that wait for theirs hold no chunks. Turns begin in the goroutine of the run, groups of
// batches share one; its end evicts the chunks.
type Pins struct {
	mem       *bufpool.Memory
	rest      *bufpool.Budget // of the request beside the room; between turns it has what is in use
	log       *zap.Logger
	room      int64 // bytes of a turn
	minPinned int64 // bytes from which on decoding a chunk has it pinned

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

// Pinned tells whether chunks that need so many bytes to be decoded are pinned; nil pins none.
func (p *Pins) Pinned(need int64) bool { return p != nil && need >= p.minPinned }

// NewPins begins with a turn, whose bytes the lease has.
func NewPins(mem *bufpool.Memory, log *zap.Logger, turn *bufpool.Lease, rest *bufpool.Budget, room, least int64) *Pins {
	p := &Pins{mem: mem, rest: rest, log: log, room: room, minPinned: least, lease: turn, since: time.Now()}
	p.free.L = &p.mu
	return p
}

// Begin counts a group of batches, in a turn. Without wait it is false where there is no turn just now. Errors: those of
// bufpool.Memory.Lease.
func (p *Pins) Begin(ctx context.Context, wait bool) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lease != nil && time.Since(p.since) > turnTime+turnWorth*p.cost && p.mem.Budget.Wanted() {
		if !wait {
			return false, nil
		}
		p.endTurn()
	}
	if p.lease == nil {
		if err := p.turn(ctx, wait); p.lease == nil || err != nil {
			return false, err
		}
	}
	p.groups++
	return true, nil
}

// turn reserves the room. Called locked; it unlocks while it waits.
func (p *Pins) turn(ctx context.Context, wait bool) (err error) {
	p.mu.Unlock()
	need := p.room + p.rest.Lacks()
	l := p.mem.TryLease(need)
	for tries := 0; l == nil && wait && tries < turnTries; tries++ { // a client has its rows in part: better late than never
		if l, err = p.mem.Lease(ctx, need); fault.Of(err) != fault.Exhausted {
			break
		}
	}
	p.mu.Lock()
	if l != nil {
		p.lease, p.since, p.cost = l.Split(p.room), time.Now(), 0
		l.Refill(p.rest)
	}
	return err
}

// End uncounts a group.
func (p *Pins) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups--
	p.left = time.Now()
}

// Yield ends a turn in which nothing is done: others want the room.
func (p *Pins) Yield() {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := max(turnIdle, p.cost) // to decode it again takes as long
	if time.Since(p.left) > most && time.Since(p.since) > most && p.mem.Budget.Wanted() {
		p.endTurn()
	}
}

// endTurn ends the turn unless a group is at work. Called locked.
func (p *Pins) endTurn() {
	if p.lease == nil || p.groups > 0 {
		return
	}
	for len(p.chunks) > 0 {
		p.drop(0)
	}
	p.lease.Close()
	p.lease = nil
	p.rest.Shrink()
}

// Close ends the last turn; no group is at work.
func (p *Pins) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endTurn()
}

// drop evicts a chunk. Called locked.
func (p *Pins) drop(i int) {
	c := p.chunks[i]
	p.chunks = append(p.chunks[:i:i], p.chunks[i+1:]...)
	p.taken -= c.takes
	c.codec.Release()
	p.lease.Free(c.raw)
}

// use calls use with the elements of a chunk. Where it is not there decode makes it, with buffers from the lease: need bytes of
// them, of which it says how many are kept.
func (p *Pins) use(key chunkcache.Key, need int64, decode func(c *pin, l *bufpool.Lease) (kept int64, err error), use func(convert.Elems) error) error {
	c := p.find(key, need)
	defer p.leave(c)
	if !c.ready {
		kept, err := decode(c, p.lease)
		if err != nil {
			return err
		}
		p.decoded(c, kept)
	}
	return use(c.elems)
}

// find gives a chunk that is there, or one to be decoded by the caller: it waits for others who decode it, and for room. Either
// is counted.
func (p *Pins) find(key chunkcache.Key, need int64) *pin {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		i, wait := p.lookup(key)
		switch {
		case i >= 0:
			c := p.chunks[i]
			p.chunks = append(append(p.chunks[:i:i], p.chunks[i+1:]...), c)
			c.users++
			return c
		case !wait && p.clear(need):
			c := &pin{key: key, takes: need, users: 1, codec: filter.NewScratch(p.lease.Allocate, p.lease.Free)}
			p.taken += need
			p.chunks = append(p.chunks, c)
			return c
		}
		p.free.Wait()
	}
}

// lookup is where a chunk is, -1 if it is not there; wait: it is being decoded. Called locked.
func (p *Pins) lookup(key chunkcache.Key) (i int, wait bool) {
	for i, c := range p.chunks {
		if c.key == key && c.ready {
			return i, false
		}
		wait = wait || c.key == key
	}
	return -1, wait
}

// clear makes room by evicting what nobody uses, least recently used first; false if it is not enough. A chunk that
// alone is more than the room is, is decoded alone. Called locked.
func (p *Pins) clear(need int64) bool {
	for i := 0; i < len(p.chunks) && p.taken+need > p.room; {
		if p.chunks[i].users > 0 {
			i++
			continue
		}
		p.drop(i)
	}
	return p.taken+need <= p.room || len(p.chunks) == 0
}

// decoded lets others use a chunk.
func (p *Pins) decoded(c *pin, kept int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Debug("decoded a large chunk", zap.Uint64("chunk", c.key.Chunk), zap.Int("bytes", len(c.elems.Data)))
	if p.cost == 0 {
		p.cost = time.Since(p.since)
	}
	p.taken -= c.takes - kept
	c.takes, c.ready = kept, true
	p.free.Broadcast()
}

// leave unpins a chunk for one user; one that failed to decode is evicted.
func (p *Pins) leave(c *pin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.users--
	if !c.ready {
		for i := range p.chunks {
			if p.chunks[i] == c {
				p.drop(i)
				break
			}
		}
	}
	p.free.Broadcast()
}
