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

// Room is the memory for what clients send to be read by exchanges: of a Memory, and of that no more than its budget, so that clients who stop in the
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
}

// Hold begins with nothing.
func (r *Room) Hold(ctx context.Context) *Held { return &Held{ctx: ctx, room: r} }

// More takes n bytes, waiting for other calls.
func (h *Held) More(n int64) error {
	if h.bytes+n > h.room.Limit() {
		return fault.New(fault.Exhausted, "exchange: over %d MiB, a quarter of --memory, for the rows asked: ask in parts", h.room.Limit()>>20)
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

// Less gives n bytes back.
func (h *Held) Less(n int64) {
	h.bytes -= n
	h.room.memory.Release(n)
	h.room.Return(n)
}

// End gives all back.
func (h *Held) End() { h.Less(h.bytes) }
