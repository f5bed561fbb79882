package admission

import (
	"context"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
)

// Memory is whose bytes a Room's are; a reader.Engine is one.
type Memory interface {
	Acquire(ctx context.Context, n int64) error
	Release(n int64)
}

// Room is the memory for what clients send and what becomes of it, requests and rows: of a Memory, and of that no more than its budget, so that clients who stop in the
// middle leave room for others.
type Room struct {
	*bufpool.Budget
	memory Memory
}

// NewRoom gives of memory what the budget has.
func NewRoom(of *bufpool.Budget, memory Memory) *Room { return &Room{of, memory} }

// Held is what one call has of a Room. It is used by one goroutine, and has to End.
type Held struct {
	ctx   context.Context
	room  *Room
	bytes int64
	text  int64 // of them, a request that was counted
}

// Hold begins with nothing.
func (r *Room) Hold(ctx context.Context) *Held { return &Held{ctx: ctx, room: r} }

// More takes n bytes, waiting for other calls.
func (h *Held) More(n int64) error {
	if h.bytes+n > h.room.Limit() {
		return fault.New(fault.Exhausted, "over %d MiB, a quarter of --memory, for the rows asked: ask in parts", h.room.Limit()>>20)
	}
	if err := h.room.Acquire(h.ctx, n); err != nil {
		return err
	}
	if err := h.room.memory.Acquire(h.ctx, n); err != nil {
		h.room.Return(n)
		return err
	}
	h.bytes += n
	return nil
}

const (
	freeMessage  = 16 << 10      // a message of so many bytes, and what becomes of it, is part of what every call has
	mostRequest  = 1<<20 + 4<<10 // what is longer is no request, and refused
	requestTimes = 9             // what a request's text takes while it is parsed: two bytes may be a row's number, which take 16
	freeRows     = 64 << 10
)

// Message takes what a message of n bytes needs to become a request, in place of the one before. nil: nothing is counted.
func (h *Held) Message(n int) error {
	if h == nil {
		return nil
	}
	h.End()
	if n <= freeMessage || n > mostRequest {
		return nil
	}
	h.text = int64(n)
	return h.More(requestTimes * h.text)
}

// Keep has, of what Message took, only the request's text, and so many bytes for the rows that it names.
func (h *Held) Keep(rows int64) error {
	if h == nil {
		return nil
	}
	switch want := h.text + rows; {
	case want <= freeRows:
		h.End()
	case want <= h.bytes:
		h.Less(h.bytes - want)
	default: // none waits for more while it has some
		h.End()
		return h.More(want)
	}
	return nil
}

// Less gives n bytes back.
func (h *Held) Less(n int64) {
	if n == 0 {
		return
	}
	h.bytes -= n
	h.room.memory.Release(n)
	h.room.Return(n)
}

// End gives all back.
func (h *Held) End() {
	h.Less(h.bytes)
	h.text = 0
}
