package h5proc

import (
	"context"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
)

// Config says how helpers run; zero values are the defaults.
type Config struct {
	Command     []string      // program and arguments; this program
	Helpers     int           // at most so many at once; 1 per CPU, at least 2
	MemoryLimit int64         // bytes of address space of each; 4 GiB
	CallTimeout time.Duration // of one call in a helper; 20 s
	Logger      *zap.Logger
}

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
}

// Pool is a set of helper processes, started when needed.
type Pool struct {
	cfg     Config
	closed  context.Context
	close   context.CancelFunc
	once    sync.Once
	slots   chan *helper // nil: not running
	strikes strikes
}

// New makes a pool without starting a process yet. Close it.
func New(cfg Config) *Pool {
	cfg.defaults()
	p := &Pool{cfg: cfg, slots: make(chan *helper, cfg.Helpers), strikes: strikes{count: map[identity]int{}}}
	p.closed, p.close = context.WithCancel(context.Background())
	for range cfg.Helpers {
		p.slots <- nil
	}
	return p
}

// Close ends all helpers, also at work: their callers get fault.Unavailable. It returns when all are gone.
func (p *Pool) Close() error {
	p.once.Do(func() {
		p.close()
		for range p.cfg.Helpers {
			if h := <-p.slots; h != nil {
				h.end()
			}
		}
	})
	return nil
}

var errClosed = fault.New(fault.Unavailable, "h5proc: the pool is closed")

// acquire waits for a slot and starts a helper if it holds none, or none that is fresh where one is wanted.
func (p *Pool) acquire(ctx context.Context, fresh bool) (*helper, error) {
	if p.closed.Err() != nil {
		return nil, errClosed
	}
	var h *helper
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed.Done():
		return nil, errClosed
	case h = <-p.slots:
	}
	if h != nil && !(fresh && h.used) {
		return h, nil
	}
	if h != nil {
		h.end()
	}
	h, err := start(&p.cfg)
	if err != nil {
		p.slots <- nil
		return nil, fault.New(fault.Unavailable, "h5proc: start a helper process: %w", err)
	}
	return h, nil
}

// outcome is how one attempt went: an answer, or why there is none.
type outcome struct {
	r       *response
	started bool   // the request was taken up
	timeout bool   // the call took too long
	ended   string // the helper died so; "" if not
	said    string // on its standard error by then
}

// attempt lets one helper work on a request. The error is about the caller or the pool, not about the file.
func (p *Pool) attempt(ctx context.Context, q *request, frame, dst []byte, fresh bool) (outcome, error) {
	h, err := p.acquire(ctx, fresh)
	if err != nil {
		return outcome{}, err
	}
	call, cancel := context.WithTimeout(ctx, p.cfg.CallTimeout)
	defer cancel()
	defer context.AfterFunc(p.closed, cancel)()
	alive := context.AfterFunc(call, h.kill)
	var o outcome
	o.r, o.started, err = h.call(q, frame, dst)
	if alive() && err == nil {
		p.slots <- h
		return o, nil
	}
	o.ended = h.end()
	p.slots <- nil
	if err == nil { // killed just after it had answered
		return o, nil
	}
	o.r = nil
	switch {
	case ctx.Err() != nil:
		return o, ctx.Err()
	case p.closed.Err() != nil:
		return o, errClosed
	}
	o.timeout, o.said = call.Err() != nil, h.stderr.String()
	return o, nil
}

// note logs how a helper died and what is done now, on one line; what it said, which is stacks, only at debug level.
func (p *Pool) note(q *request, o outcome, next string) {
	first, _, _ := strings.Cut(o.said, "\n")
	p.cfg.Logger.Warn("helper process ended", zap.String("file", q.subject()), zap.String("how", o.ended),
		zap.String("said", first[:min(len(first), 200)]), zap.String("next", next))
	p.cfg.Logger.Debug("what the helper process said", zap.String("file", q.subject()), zap.String("stderr", o.said))
}

// idleDeaths bounds the retries for helpers that were found dead before they took up a request.
const idleDeaths = 8

// do carries out a request. A death at work is tried again once, in a fresh helper: it may have come from outside, or
// be the doing of a file that the helper read before.
func (p *Pool) do(ctx context.Context, q *request, dst []byte) (*response, error) {
	id, frame, err := p.prepare(q)
	if err != nil {
		return nil, err
	}
	idle, fresh := 0, false
	for {
		o, err := p.attempt(ctx, q, frame, dst, fresh)
		switch {
		case err != nil:
			return nil, err
		case o.r != nil:
			p.strikes.forgive(id)
			return o.r, o.r.err()
		case o.timeout:
			p.strikes.add(id)
			p.note(q, o, "the request fails: the call took longer than "+p.cfg.CallTimeout.String())
			return nil, died(q, "stopped after "+p.cfg.CallTimeout.String())
		case !o.started && idle < idleDeaths+p.cfg.Helpers:
			idle++
			p.note(q, o, "another one is asked")
			continue
		case !o.started:
			p.note(q, o, "the request fails: none of the helpers works")
			return nil, fault.New(fault.Unavailable, "h5proc: helper processes end before they work (%s)", o.ended)
		}
		if p.strikes.add(id); p.strikes.out(id) {
			p.note(q, o, "the file is refused until it changes")
			return nil, died(q, o.ended)
		}
		p.note(q, o, "a fresh one is asked")
		fresh = true
	}
}

// prepare identifies the file, refuses it if helpers died on it, and encodes the request.
func (p *Pool) prepare(q *request) (id identity, frame []byte, err error) {
	if q.Op == opFilter {
		frame, err = encodeFrame(q, maxRequest)
		return identity{ino: uint64(q.Filter), size: -1}, frame, err // no file's
	}
	if q.Path, err = filepath.Abs(q.Path); err != nil {
		return id, nil, err
	}
	if id, err = identify(q.Path); err != nil {
		return id, nil, err
	}
	if p.strikes.out(id) {
		return id, nil, fault.New(fault.DataLoss, "h5proc: %s: helper processes died on this file; it is refused until it changes",
			filepath.Base(q.Path))
	}
	if most := min(maxSlab, uint64(p.cfg.MemoryLimit)/4); q.Bytes > most {
		return id, nil, fault.New(fault.Exhausted, "h5proc: a slab of %d bytes, at most %d: read it in parts", q.Bytes, most)
	}
	frame, err = encodeFrame(q, maxRequest)
	return id, frame, err
}
