package disks

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
)

// Ask makes a call and waits for it: until the limit, or ctx, ends. f must share nothing with the caller but what does not change,
// since it may go on after that; a value that comes too late is closed if it can be. Errors: fault.Unavailable, ctx's, f's.
func Ask[T any](ctx context.Context, l *Lane, f func() (T, error)) (value T, err error) {
	if l == nil || l.disk.memory && Hang.Load() == nil {
		return f()
	}
	w := newWait(ctx, l)
	defer w.end()
	c, err := w.enter()
	if err != nil {
		return value, err
	}
	type answer struct {
		value T
		err   error
	}
	came := make(chan answer, 1)
	go func() {
		v, err := f()
		c.back()
		if c.settle() {
			came <- answer{v, err}
		} else if late, ok := any(v).(io.Closer); ok && err == nil {
			_ = late.Close()
		}
	}()
	for {
		select {
		case a := <-came:
			return a.value, a.err
		case <-w.due():
			if l.disk.drags(c); w.on() {
				continue
			}
		case <-ctx.Done():
		case <-l.disk.all.ended:
		}
		if c.settle() {
			l.disk.drags(c)
			return value, w.failed()
		}
		a := <-came // just now
		return a.value, a.err
	}
}

// wait is somebody who waits for a place, and then for a call.
type wait struct {
	ctx   context.Context
	lane  *Lane
	began time.Time
	timer *time.Timer
	lent  bool
}

func newWait(ctx context.Context, l *Lane) *wait {
	return &wait{ctx: ctx, lane: l, began: time.Now(), timer: time.NewTimer(min(patience, l.disk.all.Limit/2))}
}

func (w *wait) due() <-chan time.Time { return w.timer.C }

const (
	looks  = 30 // in the limit, whether others want memory: who waits has some
	yields = 3  // that part of the limit it is waited for although they do
)

// on lends the worker when the timer was due for the first time, and tells whether to go on waiting: not beyond the limit.
func (w *wait) on() bool {
	if !w.lent {
		w.lent = true
		w.lend(1)
	}
	limit, waited := w.lane.disk.all.Limit, time.Since(w.began)
	if waited >= limit || waited >= limit/yields && w.lane.disk.all.wanted() {
		return false
	}
	w.timer.Reset(min(limit-waited, limit/looks))
	return true
}

func (w *wait) lend(n int) {
	if lend := w.lane.disk.all.Lend; lend != nil {
		lend(n)
	}
}

// end is of the waiting, whatever became of the call.
func (w *wait) end() {
	w.timer.Stop()
	if w.lent {
		w.lend(-1)
	}
}

// enter takes a slot of the file and one of the disk, or is refused.
func (w *wait) enter() (*call, error) {
	l := w.lane
	if hung := l.full(); hung > 0 {
		l.Lose()
		return nil, fault.New(fault.Unavailable, "the disk does not answer: %d reads of it hang: have it looked at, and ask again when it answers", hung)
	}
	if err := w.take(l.slots); err != nil {
		return nil, err
	}
	if err := w.take(l.disk.slots); err != nil {
		<-l.slots
		return nil, err
	}
	return &call{lane: l, began: time.Now()}, nil
}

func (w *wait) take(slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	default:
	}
	for {
		select {
		case slots <- struct{}{}:
			return nil
		case <-w.due():
			if w.on() {
				continue
			}
		case <-w.ctx.Done():
		case <-w.lane.disk.all.ended:
		}
		return w.failed()
	}
}

// failed says why nobody waits any more.
func (w *wait) failed() error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	w.lane.Lose()
	select {
	case <-w.lane.disk.all.ended:
		return fault.New(fault.Unavailable, "the disk has not answered, and the server ends")
	default:
	}
	if waited := time.Since(w.began); waited < w.lane.disk.all.Limit {
		return fault.New(fault.Unavailable, "the disk has not answered for %v, and others want the memory of who waits for it: have it looked at, and ask again when it answers", waited.Round(time.Millisecond))
	}
	return fault.New(fault.Unavailable, "the disk has not answered for %v: have it looked at, and ask again when it answers (--read-timeout is how long a read is waited for)", w.lane.disk.all.Limit)
}

// call may come back after nobody waits for it.
type call struct {
	lane    *Lane
	began   time.Time
	settled atomic.Bool // the answer is taken, or will not be
	over    bool        // guarded by the disk
	expiry  *time.Timer // of a slow one: when it is stuck; as over
}

// settle is true for the first of who waits and what comes.
func (c *call) settle() bool { return c.settled.CompareAndSwap(false, true) }

func (c *call) stuck() bool { return time.Since(c.began) >= c.lane.disk.all.Limit }

// back gives back what the call took.
func (c *call) back() {
	k := c.lane.disk
	k.mu.Lock()
	c.over = true
	slow := k.slow[c]
	if slow {
		c.expiry.Stop()
		delete(k.slow, c)
		k.waiting.Store(int64(len(k.slow)))
	}
	k.mu.Unlock()
	<-k.slots
	<-c.lane.slots
	if slow {
		k.judge()
	}
}

// drags notes a call that takes long, or that nobody waits for.
func (k *Disk) drags(c *call) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.over || k.slow[c] {
		return
	}
	k.slow[c] = true
	k.waiting.Store(int64(len(k.slow)))
	c.expiry = time.AfterFunc(k.all.Limit-time.Since(c.began), k.judge)
}

// judge tells when a disk begins to hang, and when it answers again.
func (k *Disk) judge() {
	k.mu.Lock()
	hung := k.hung(nil)
	was := k.hangs
	k.hangs = hung > 0
	k.mu.Unlock()
	switch {
	case hung > 0 && !was:
		k.all.Log.Warn("a disk does not answer", zap.String("mounted at", k.at), zap.String("kind", k.kind), zap.Duration("for", k.all.Limit))
	case hung == 0 && was:
		k.all.Log.Info("the disk answers again", zap.String("mounted at", k.at))
	default:
		return
	}
	k.all.changed(hung > 0)
}

// hung counts the stuck calls of a lane, or all. Called locked.
func (k *Disk) hung(of *Lane) (n int) {
	for c := range k.slow {
		if (of == nil || c.lane == of) && c.stuck() {
			n++
		}
	}
	return n
}

// full is how many calls are stuck where those are all that the file or its disk may have; else 0.
func (l *Lane) full() int {
	k := l.disk
	if k.Well() {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.hung(nil)
	if all >= cap(k.slots) || k.hung(l) >= cap(l.slots) {
		return all
	}
	return 0
}
