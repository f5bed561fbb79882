// Package admission bounds what clients have sent that nobody has taken yet: how long each message may be on its way, and how many
// bytes of all of them there are.
//
// A Door's Tap is called by gRPC before it reads what a call sends; from then on the call is awaited, until Arrived. What takes too long ends, and
// where there is no room that for which the most was read: context.Cause of the call's context tells why. Pool is where gRPC puts what it reads.
// All types are safe for concurrent use.
package admission

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/tap"

	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
)

// Door is where calls come in.
type Door struct {
	wait  time.Duration
	room  int64
	steps int          // that who reads waits where there is no room
	held  atomic.Int64 // bytes that were read and not taken yet

	mu      sync.Mutex
	awaited map[*Entry]int64 // with what their connections had read before

	collecting atomic.Bool
}

// NewDoor lets every message be on its way for wait, and so many bytes of all together.
func NewDoor(wait time.Duration, room int64) *Door {
	return &Door{wait: wait, room: room, steps: 100, awaited: map[*Entry]int64{}}
}

// Held is the bytes that were read and not taken yet, of messages beyond a KiB.
func (d *Door) Held() int64 { return d.held.Load() }

// Entry is a call that came in. nil: one that came another way, which nothing bounds.
type Entry struct {
	door     *Door
	received func() int64 // bytes
	end      context.CancelCauseFunc
	late     *time.Timer
	alone    func() bool // ends what looks after a call that no handler sees
}

type entryKey struct{}

// Of is the entry of a call's context.
func Of(ctx context.Context) *Entry {
	e, _ := ctx.Value(entryKey{}).(*Entry)
	return e
}

// Tap is gRPC's InTapHandle: the first message of a call is awaited from here on.
func (d *Door) Tap(ctx context.Context, _ *tap.Info) (context.Context, error) {
	e := &Entry{door: d, received: wire.LedgerOf(ctx).Received}
	ctx, e.end = context.WithCancelCause(context.WithValue(ctx, entryKey{}, e))
	e.late = time.AfterFunc(d.wait, func() {
		e.End(fault.New(fault.Exhausted, "no whole message came within %v: send it at once, or raise --receive-timeout", d.wait))
	})
	d.await(e)
	e.alone = context.AfterFunc(ctx, e.forget)
	return tapped{ctx}, nil
}

// tapped says what gRPC makes DeadlineExceeded of when it reads a message for a call that was ended.
type tapped struct{ context.Context }

// Err is part of context.Context.
func (t tapped) Err() error {
	err := t.Context.Err()
	if err != nil && fault.Of(context.Cause(t.Context)) != nil {
		return context.DeadlineExceeded
	}
	return err
}

func (d *Door) await(e *Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.awaited[e] = e.received()
}

// Await is for the next message of a call, before it is read; Arrived follows.
func (e *Entry) Await() {
	if e != nil {
		e.late.Reset(e.door.wait)
		e.door.await(e)
	}
}

// Arrived ends an Await: the message is there, or never will be.
func (e *Entry) Arrived() {
	if e != nil {
		e.alone()
		e.forget()
	}
}

func (e *Entry) forget() {
	e.late.Stop()
	e.door.forget(e)
}

func (d *Door) forget(e *Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.awaited, e)
}

// End ends the call.
func (e *Entry) End(why error) {
	if e != nil {
		e.end(why)
	}
}

var errNoRoom = fault.New(fault.Exhausted, "there is no room for more of what clients send: ask again, in smaller messages")

// makeRoom ends the awaited call since whose begin its connection has read the most.
func (d *Door) makeRoom() {
	if e := d.largest(); e != nil {
		e.End(errNoRoom)
	}
}

func (d *Door) largest() (found *Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	most := int64(0)
	for e, before := range d.awaited {
		if n := e.received() - before; n > most {
			found, most = e, n
		}
	}
	delete(d.awaited, found)
	return found
}
