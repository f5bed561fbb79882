package admission

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
)

type memory struct{ *bufpool.Budget }

func (m memory) Release(n int64) { m.Return(n) }

// TestHeld: a request has what parsing takes, then its text and its rows; little is part of what every call has.
func TestHeld(t *testing.T) {
	of := memory{bufpool.NewBudget(1<<30, time.Minute)}
	r := NewRoom(bufpool.NewBudget(1<<20, time.Minute), of)
	h := r.Hold(t.Context())
	holds := func(n int64) {
		t.Helper()
		require.Equal(t, n, r.Used())
		require.Equal(t, n, of.Used())
	}
	require.NoError(t, h.Message(freeMessage))
	holds(0)
	require.NoError(t, h.Keep(freeRows))
	holds(0)
	require.NoError(t, h.Keep(freeRows+1)) // a mask of little text
	holds(freeRows + 1)
	require.NoError(t, h.Message(100_000))
	holds(requestTimes * 100_000)
	require.NoError(t, h.Keep(200_000))
	holds(300_000)
	require.NoError(t, h.Keep(0))
	holds(100_000)
	require.NoError(t, h.Message(mostRequest+1))
	holds(0)
	require.NoError(t, h.Message(100_000))
	require.ErrorIs(t, h.Keep(1<<20), fault.Exhausted)
	holds(0)
	require.ErrorIs(t, h.Message(mostRequest), fault.Exhausted)
	h.End()
	holds(0)
	require.NoError(t, (*Held)(nil).Message(1))
	require.NoError(t, (*Held)(nil).Keep(1))
}
