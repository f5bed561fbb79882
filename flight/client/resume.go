package client

import (
	"context"
	"errors"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// resume knows which batches of a stream have come, by their numbers.
type resume struct {
	next   int64          // all before have come
	later  map[int64]bool // of an unordered stream: those after next that have come
	got    bool           // any has come
	never  bool           // its batches are others each time
	failed int            // times in a row without a batch
}

// take notes a batch; false if it has come before.
func (r *resume) take(block int64) bool {
	if block < r.next || r.later[block] {
		return false
	}
	r.got, r.failed = true, 0
	if block != r.next {
		if r.later == nil {
			r.later = map[int64]bool{}
		}
		r.later[block] = true
		return true
	}
	for r.next++; r.later[r.next]; r.next++ {
		delete(r.later, r.next)
	}
	return true
}

// unplaced notes a batch of which is not known where it stands.
func (r *resume) unplaced() { r.got, r.never, r.failed = true, true, 0 }

// lost tells whether a stream that breaks cannot go on: what has come would come again.
func (r *resume) lost() bool { return r.never && r.got }

// from is the batch to ask for, nil where none has come yet.
func (r *resume) from() *int64 {
	if !r.got {
		return nil
	}
	return &r.next
}

// resumable is a request whose batches are the same ones each time it is asked.
func resumable(r protocol.Request) protocol.Request {
	stream := protocol.Stream{}
	if r.Stream != nil {
		stream = *r.Stream
	}
	r.Stream = &stream
	return r
}

func fromBlock(r protocol.Request, from *int64) protocol.Request {
	if from != nil {
		r = resumable(r)
		r.Stream.FromBlock = *from
	}
	return r
}

const (
	firstPause = 20 * time.Millisecond
	maxPause   = 2 * time.Second
)

// readAll reads a stream, again where it breaks.
func (p *part) readAll(ctx context.Context, s scan) error {
	for {
		err := p.read(ctx, s.mem)
		if !errors.Is(err, fault.Unavailable) || p.resume.lost() || p.resume.failed >= s.retries || ctx.Err() != nil {
			return err
		}
		pause := min(firstPause<<p.resume.failed, maxPause)
		p.resume.failed++
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
