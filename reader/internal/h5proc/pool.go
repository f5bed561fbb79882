package h5proc

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/jail"
)

// Config says how helpers run; zero values are the defaults.
type Config struct {
	Command     []string      // program and arguments; this program
	Helpers     int           // at most so many at once; 1 per CPU, at least 2
	MemoryLimit int64         // bytes of address space of each beside what it starts with; 4 GiB
	CallTimeout time.Duration // of one call in a helper; 20 s
	Plugins     []string      // SHA-256 of the plug-ins that may be loaded, as h5c.Trust has them; none: any
	Logger      *zap.Logger
	Budget      *bufpool.Budget // that a question to a witness takes WitnessBytes of; none

	role   role
	shared int             // bytes of memory shared with each
	load   func() []uint16 // filters whose plug-ins a helper that starts now loads
	wait   func(*exec.Cmd) // until a process is gone; for tests
}

// role is what a helper is for. A process has one, from its start to its end.
type role int

const (
	witnessRole role = iota // libhdf5 looks at one file; it opens none and loads no plug-in
	filterRole              // plug-ins undo filters of bytes; it opens no file but theirs
)

func (c *Config) defaults() {
	if len(c.Command) == 0 {
		c.Command = []string{"/proc/self/exe"} // holds also after an upgrade in place
	}
	if c.Helpers <= 0 {
		c.Helpers = max(2, runtime.NumCPU())
	}
	if c.MemoryLimit <= 0 {
		c.MemoryLimit = 4 << 30
	}
	if c.CallTimeout <= 0 {
		c.CallTimeout = 20 * time.Second
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.wait == nil {
		c.wait = func(cmd *exec.Cmd) { _ = cmd.Wait() }
	}
}

// pool is a set of helper processes of one role, started when needed.
type pool struct {
	cfg     Config
	closed  context.Context
	close   context.CancelFunc
	once    sync.Once
	slots   chan *helper // nil: not running
	strikes strikes
	starter jail.Starter

	alive, started, died, calls atomic.Int64

	left atomic.Int64 // killed, but the kernel has not let them go
}

// Counts are how many helpers of a role run, were started and ended at work, and how many calls they were given.
type Counts struct{ Alive, Started, Died, Calls int64 }

// Counts tells what the pool has done.
func (p *pool) Counts() Counts {
	return Counts{p.alive.Load(), p.started.Load(), p.died.Load(), p.calls.Load()}
}

// letGo is how long a killed process is waited for. One that waits for a disk in the kernel may stay.
const letGo = time.Second

// end kills a helper, and says how it ended. Its slot is free then, unless as many as there may be helpers are killed and not gone:
// it gets a place in slots when this one is.
func (p *pool) end(h *helper) (how string, free bool) {
	gone := make(chan string, 1)
	go func() {
		how := h.end(p.cfg.wait)
		p.alive.Add(-1)
		gone <- how
	}()
	late := time.NewTimer(letGo)
	defer late.Stop()
	select {
	case how := <-gone:
		return how, true
	case <-late.C:
	}
	free = p.left.Add(1) <= int64(p.cfg.Helpers)
	p.cfg.Logger.Warn("a helper process was killed and is not gone: its disk may not answer", zap.Int64("of them", p.left.Load()))
	go func() {
		<-gone
		p.left.Add(-1)
		if !free {
			p.slots <- nil
		}
	}()
	return "killed, and not gone", free
}

func newPool(cfg Config, r role, shared int) *pool {
	cfg.defaults()
	cfg.role, cfg.shared = r, shared
	p := &pool{cfg: cfg, slots: make(chan *helper, cfg.Helpers), strikes: newStrikes(), starter: jail.NewStarter()}
	p.closed, p.close = context.WithCancel(context.Background())
	for range cfg.Helpers {
		p.slots <- nil
	}
	return p
}

// Close ends all helpers, also at work: their callers get fault.Unavailable. It returns when all are gone that the kernel lets go.
func (p *pool) Close() error {
	p.once.Do(func() {
		p.close()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range p.cfg.Helpers {
				if h := <-p.slots; h != nil {
					p.end(h)
				}
			}
			p.starter.End()
		}()
		select {
		case <-ended:
		case <-time.After(3 * letGo):
		}
	})
	return nil
}

var errClosed = fault.New(fault.Unavailable, "h5proc: the pool is closed")

// acquire waits for a slot and starts a helper if it holds none that fits the call, or is fresh where one is wanted.
func (p *pool) acquire(ctx context.Context, c call, fresh bool) (*helper, error) {
	if p.closed.Err() != nil {
		return nil, errClosed
	}
	var h *helper
	busy := time.NewTimer(p.cfg.CallTimeout)
	defer busy.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed.Done():
		return nil, errClosed
	case <-busy.C:
		return nil, p.busy()
	case h = <-p.slots:
	}
	if h != nil && !(fresh && h.used) && c.fits(h) {
		return h, nil
	}
	if h != nil {
		if _, free := p.end(h); !free {
			return nil, p.busy()
		}
	}
	err := p.starter.Do(func() (err error) {
		h, err = start(&p.cfg, c.disk())
		return err
	})
	if err != nil {
		p.slots <- nil
		return nil, fault.New(fault.Unavailable, "h5proc: start a helper process: %w", err)
	}
	p.started.Add(1)
	p.alive.Add(1)
	return h, nil
}

func (p *pool) busy() error {
	return fault.New(fault.Unavailable, "h5proc: all %d helper processes were busy for %v, %d are killed and not gone: ask again later, or raise --helpers", p.cfg.Helpers, p.cfg.CallTimeout, p.left.Load())
}

// call is a request to a helper, and what becomes of the answer. It may be sent again to another one.
type call interface {
	subject() string         // for the log
	disk() *os.File          // what a helper that is started for it gets to read; nil: none
	fits(h *helper) bool     // whether it can carry it out
	send(h *helper) error    // an error: the helper is gone
	receive(h *helper) error // the answer after its mark; an error: the helper is of no use
	keeps() bool             // the helper is kept for another call
	once() bool              // a death is not tried again
	died(how string) error   // what the caller gets when helpers ended at it
	late(how string) error   // and when one was stopped since it took too long
	refused() error          // what he gets when they ended so before
}

// outcome is how one attempt went.
type outcome struct {
	answered bool
	started  bool   // the call was taken up
	timeout  bool   // it took too long
	ended    string // the helper died so
	said     string // on its standard error by then
}

// unconfined begins what a helper says that does not start since it is not confined.
const unconfined = "a helper cannot be confined:"

// reason is that, for an error.
func (o outcome) reason() string {
	first, _, _ := strings.Cut(o.said, "\n")
	if !strings.HasPrefix(first, unconfined) {
		return ""
	}
	return ": " + first[:min(len(first), 200)]
}

// attempt lets one helper work on a call. The error is about the caller or the pool, not about the file.
func (p *pool) attempt(ctx context.Context, c call, fresh bool) (outcome, error) {
	h, err := p.acquire(ctx, c, fresh)
	if err != nil {
		return outcome{}, err
	}
	limited, cancel := context.WithTimeout(ctx, p.cfg.CallTimeout)
	defer cancel()
	defer context.AfterFunc(p.closed, cancel)()
	p.calls.Add(1)
	alive := context.AfterFunc(limited, h.Kill)
	var o outcome
	o.started, err = h.exchange(c)
	if o.answered = err == nil; alive() && o.answered && c.keeps() {
		p.slots <- h
		return o, nil
	}
	var free bool
	if o.ended, free = p.end(h); free {
		p.slots <- nil
	}
	switch {
	case o.answered: // and of no more use
		return o, nil
	case ctx.Err() != nil:
		return o, ctx.Err()
	case p.closed.Err() != nil:
		return o, errClosed
	}
	o.timeout, o.said = limited.Err() != nil, h.Said()
	return o, nil
}

// note logs how a helper died and what is done now, on one line; what it said, which is stacks, only at debug level.
func (p *pool) note(c call, o outcome, next string) {
	p.died.Add(1)
	first, _, _ := strings.Cut(o.said, "\n")
	p.cfg.Logger.Warn("helper process ended", zap.String("file", c.subject()), zap.String("how", o.ended),
		zap.String("said", first[:min(len(first), 200)]), zap.String("next", next))
	p.cfg.Logger.Debug("what the helper process said", zap.String("file", c.subject()), zap.String("stderr", o.said))
}

// idleDeaths bounds the retries for helpers that were found dead before they took up a call.
const idleDeaths = 8

// do carries out a call about a state of a file. A death at work is tried again once, in a fresh helper: it may have come
// from outside, or be the doing of what the helper did before.
func (p *pool) do(ctx context.Context, id any, c call) error {
	if p.strikes.out(id) {
		return c.refused()
	}
	if p.strikes.rests(id) {
		return fault.New(fault.Unavailable, "h5proc: %s: helper processes took longer than %v twice: it is given to one again after %v", c.subject(), p.cfg.CallTimeout, rest)
	}
	for idle, deaths := 0, 0; ; {
		o, err := p.attempt(ctx, c, deaths > 0)
		switch {
		case err != nil:
			return err
		case o.answered:
			p.strikes.forgive(id)
			return nil
		case o.timeout:
			p.strikes.tooLate(id)
			p.note(c, o, "the request fails: the call took longer than "+p.cfg.CallTimeout.String())
			return c.late("stopped after " + p.cfg.CallTimeout.String())
		case !o.started && idle < idleDeaths+p.cfg.Helpers:
			idle++
			p.note(c, o, "another one is asked")
			continue
		case !o.started:
			p.note(c, o, "the request fails: none of the helpers works")
			return fault.New(fault.Unavailable, "h5proc: helper processes end before they work (%s)%s", o.ended, o.reason())
		}
		if deaths++; deaths == maxStrikes {
			p.strikes.refuse(id)
		} else {
			p.strikes.add(id)
		}
		switch {
		case p.strikes.out(id):
			p.note(c, o, "the file is refused until it changes")
			return c.died(o.ended)
		case c.once():
			p.note(c, o, "its parts are tried one by one")
			return c.died(o.ended)
		}
		p.note(c, o, "a fresh one is asked")
	}
}
