package flight

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// delivery is a batch on its way to a client.
type delivery struct {
	ctx   context.Context
	block reader.Block
	way   *wire.Way // nil: it holds little
	after *delivery // of the same stream, which goes first; nil: there is none
	taken int64     // as it was looked at last
	since time.Time // when that was another number
	ended time.Time // when its stream was stopped; zero: it was not
}

// stalls are the deliveries of now. The zero value has none.
type stalls struct {
	mu  sync.Mutex
	now map[*delivery]bool
}

func (s *stalls) begin(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		s.now = map[*delivery]bool{}
	}
	d.since = time.Now()
	if d.way != nil {
		d.taken = d.way.Taken()
	}
	s.now[d] = true
}

// over tells whether nothing is held any more that can be given back.
func (d *delivery) over() bool { return d.way != nil && d.way.Over() }

// end is told that gRPC has taken a delivery; what it still holds for the client is looked after until it is over.
func (s *stalls) end(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.way == nil || d.over() {
		delete(s.now, d)
	}
}

const (
	stallStep  = 500 * time.Millisecond // how often it is looked
	stallGrace = time.Second            // for a stream that was stopped to give its bytes back, before its connection is closed
)

// watchStalls ends streams whose clients take nothing while others wait for memory, until ctx ends.
func (s *Server) watchStalls(ctx context.Context) {
	tick := time.NewTicker(stallStep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			wanted := s.engine.Counters().BudgetWaiting > 0 || s.sentRoom().Wanted()
			s.stopStalled(&s.stalls, now, wanted)
			s.stopStalled(&s.results, now, wanted || s.sql.Waiting())
		}
	}
}

// look notes which deliveries have come on.
func (s *stalls) look(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.now {
		if d.after != nil && d.after.over() {
			d.after = nil
		}
		switch {
		case d.over():
			delete(s.now, d)
		case d.after != nil:
			d.since = now
		case d.way != nil && d.way.Taken() != d.taken:
			d.taken, d.since = d.way.Taken(), now
		}
	}
}

// late are the deliveries that have not come on for so long, and those that were stopped and still hold what they had.
func (s *stalls) late(now time.Time, most time.Duration) (stalled, stuck []*delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.now {
		switch {
		case d.ended.IsZero() && d.after == nil && now.Sub(d.since) >= most:
			d.ended = now
			stalled = append(stalled, d)
		case !d.ended.IsZero() && now.Sub(d.ended) >= stallGrace && d.way != nil && !d.over():
			stuck = append(stuck, d)
			delete(s.now, d)
		}
	}
	return stalled, stuck
}

func (s *Server) stopStalled(of *stalls, now time.Time, wanted bool) {
	of.look(now)
	if !wanted {
		return
	}
	stalled, stuck := of.late(now, s.cfg.Limits.StallTimeout)
	for _, d := range stalled {
		why := fault.Later(fault.New(fault.Exhausted, "the client took nothing for %v while others waited: ask again from row %d (block %d) on, and read on while batches come",
			s.cfg.Limits.StallTimeout, d.block.Row, d.block.Block))
		if d.way != nil {
			st, _ := status.FromError(s.statusOf(d.ctx, why))
			d.way.Stop(st)
		}
		admission.Of(d.ctx).End(why)
	}
	for _, d := range stuck {
		d.way.Close()
	}
}
