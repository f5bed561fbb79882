package bufpool

import (
	"container/list"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

// Budget bounds the bytes in use. Owners who wait (For) are served in turns, each in the order it came, small requests first.
type Budget struct {
	mu      sync.Mutex
	limit   int64
	reserve int64 // of the limit, for what is small
	used    int64
	waiters list.List // of *waiter
	turn    int64     // of who was served last
	waited  int64     // how often somebody had to wait
	wait    time.Duration
	spare   map[*func()]bool

	whole  *Budget // that this one's limit is reserved of; nil: it is no part
	base   int64   // the limit it was made with, which it may be below after a Shrink
	most   int64   // and up to which it grows where the whole has bytes to spare
	closed bool    // what is returned goes to the whole
}

type waiter struct {
	n     int64
	small bool
	owner any
	turn  int64
	ready chan struct{}
}

// NewBudget returns a budget of limit bytes; Acquire gives up after wait.
func NewBudget(limit int64, wait time.Duration) *Budget {
	return &Budget{limit: limit, wait: wait}
}

// Reserve keeps n bytes of the limit for AcquireSmall; all other requests leave them alone, but those that need more than the rest at once.
// It is for the time before the budget is used.
func (b *Budget) Reserve(n int64) { b.reserve = n }

// fits tells whether n bytes are free. Called locked.
func (b *Budget) fits(n int64, small bool) bool {
	limit := b.limit
	if !small {
		limit = max(limit-b.reserve, min(n, limit))
	}
	return n <= limit-b.used
}

// Limit is the size of the budget in bytes; that of a part as it was made, whatever it has been given or gave back since.
func (b *Budget) Limit() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole != nil {
		return b.base
	}
	return b.limit
}

// Wanted tells whether somebody waits for bytes.
func (b *Budget) Wanted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiters.Len() > 0
}

// Waits is how many wait for bytes, and how often somebody had to since the budget was made.
func (b *Budget) Waits() (now int, ever int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiters.Len(), b.waited
}

// Used is the number of bytes reserved.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Acquire reserves n bytes, waiting until others have returned theirs. It fails with fault.Exhausted when n is over
// the limit or the wait is over, and with the context's error. A negative n is a sum that has overflowed: too much.
func (b *Budget) Acquire(ctx context.Context, n int64) error { return b.acquire(ctx, n, false) }

// AcquireSmall is Acquire for what is given back soon but for little of it: nobody who waits for more comes before it, and there is a Reserve.
func (b *Budget) AcquireSmall(ctx context.Context, n int64) error { return b.acquire(ctx, n, true) }

func (b *Budget) acquire(ctx context.Context, n int64, small bool) error {
	if limit := b.Limit(); n < 0 || n > limit {
		return fault.New(fault.Exhausted, "%d bytes are needed at once, the memory budget is %d: raise --memory or ask for smaller batches", n, limit)
	}
	if err := b.fund(ctx, n); err != nil {
		return err
	}
	w, err := b.enqueue(n, small, OwnerOf(ctx))
	if w == nil || err != nil {
		return err
	}
	timer, again := time.NewTimer(b.wait), time.NewTicker(askEvery)
	defer timer.Stop()
	defer again.Stop()
	for {
		b.shortage()
		select {
		case <-w.Value.(*waiter).ready:
			return nil
		case <-ctx.Done():
			return b.abandon(w, ctx.Err())
		case <-timer.C:
			return b.abandon(w, fault.Later(fault.New(fault.Exhausted, "the memory budget of %d bytes was in use for %v: try again later or raise --memory", b.Limit(), b.wait)))
		case <-again.C:
			b.tryFund(0)
		}
	}
}

// askEvery is how often whoever waits asks for what could be done without: it may be done without later only.
const askEvery = 50 * time.Millisecond

// enqueue takes the bytes at once (nil) or returns a place in the queue.
func (b *Budget) enqueue(n int64, small bool, owner any) (*list.Element, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if (b.waiters.Len() == 0 || small && !b.smallWait()) && b.fits(n, small) {
		b.used += n
		return nil, nil
	}
	b.waited++
	return b.line(&waiter{n: n, small: small, owner: owner, ready: make(chan struct{})}), nil
}

// line puts a waiter behind those of its turn, small ones before all others. Called locked.
func (b *Budget) line(w *waiter) *list.Element {
	w.turn = b.turn
	for e := b.waiters.Front(); e != nil; e = e.Next() {
		if o := e.Value.(*waiter); w.owner == nil || o.owner == w.owner {
			w.turn = max(w.turn, o.turn)
		}
	}
	w.turn++
	for e := b.waiters.Front(); e != nil; e = e.Next() {
		if o := e.Value.(*waiter); w.small && !o.small || w.small == o.small && o.turn > w.turn {
			return b.waiters.InsertBefore(w, e)
		}
	}
	return b.waiters.PushBack(w)
}

type ownerKey struct{}

// For says for whom is acquired what is in a context: owners who wait are served in turns, however often each waits. The owner is comparable.
func For(ctx context.Context, owner any) context.Context {
	return context.WithValue(ctx, ownerKey{}, owner)
}

// OwnerOf is for whom is acquired what is in a context; nil: for nobody who was named.
func OwnerOf(ctx context.Context) any { return ctx.Value(ownerKey{}) }

// smallWait tells whether small ones wait, who come before all others. Called locked.
func (b *Budget) smallWait() bool {
	first := b.waiters.Front()
	return first != nil && first.Value.(*waiter).small
}

func (b *Budget) abandon(w *list.Element, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.Value.(*waiter).ready: // granted meanwhile: hand it on
		b.used -= w.Value.(*waiter).n
	default:
		b.waiters.Remove(w)
	}
	b.grant()
	return err
}

// OnShortage has f called whenever bytes are not free that somebody wants, by whoever wants them, until stop is: f gives
// back what could be done without. It may be called by several goroutines at once.
func (b *Budget) OnShortage(f func()) (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spare == nil {
		b.spare = map[*func()]bool{}
	}
	b.spare[&f] = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.spare, &f)
	}
}

// shortage asks for what could be done without.
func (b *Budget) shortage() {
	b.mu.Lock()
	all := slices.Collect(maps.Keys(b.spare))
	b.mu.Unlock()
	for _, f := range all {
		(*f)()
	}
}

// TryAcquire reserves n bytes if nobody waits and they are free.
func (b *Budget) TryAcquire(n int64) bool {
	b.tryFund(n)
	if b.tryAcquire(n) {
		return true
	}
	b.shortage()
	return b.tryAcquire(n)
}

func (b *Budget) tryAcquire(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiters.Len() > 0 || n < 0 || !b.fits(n, false) {
		return false
	}
	b.used += n
	return true
}

// force reserves n bytes whatever the limit: for what is only known while it is read (variable-length data).
func (b *Budget) force(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
	if over := b.used - b.limit; b.whole != nil && over > 0 {
		b.whole.force(over)
		b.limit += over
	}
}

// Return gives n bytes back.
func (b *Budget) Return(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.used < 0 {
		panic("bufpool: more bytes returned than acquired")
	}
	if b.closed {
		b.limit -= n
		b.whole.Return(n)
	}
	b.grant()
}

func (b *Budget) grant() {
	for e := b.waiters.Front(); e != nil; e = b.waiters.Front() {
		w := e.Value.(*waiter)
		if !b.fits(w.n, w.small) {
			return
		}
		b.used += w.n
		b.turn = max(b.turn, w.turn)
		b.waiters.Remove(e)
		close(w.ready)
	}
}
