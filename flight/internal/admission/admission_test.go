package admission

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAwaitedTooLong(t *testing.T) { synctest.Test(t, awaitedTooLong) }

func awaitedTooLong(t *testing.T) {
	d := NewDoor(20*time.Millisecond, 1<<20)
	ctx, err := d.Tap(context.Background(), nil)
	require.NoError(t, err)
	<-ctx.Done()
	require.ErrorIs(t, context.Cause(ctx), fault.Exhausted)
	ctx, _ = d.Tap(context.Background(), nil)
	Of(ctx).Arrived()
	time.Sleep(40 * time.Millisecond)
	require.NoError(t, ctx.Err())
	Of(ctx).Await()
	<-ctx.Done()
	Of(ctx).Arrived()
	synctest.Wait()
	require.Empty(t, d.awaited)
	Of(context.Background()).Await()
	Of(context.Background()).Arrived()
}

// TestMoreThanThereIsRoomFor: what was dropped counts until it is collected, and nothing waits for ever.
func TestMoreThanThereIsRoomFor(t *testing.T) {
	d := NewDoor(time.Minute, 64<<10)
	p := d.Pool()
	kept := p.Get(16 << 10)
	for range 3 {
		_ = p.Get(16 << 10) // dropped
	}
	require.EqualValues(t, 64<<10, d.Held())
	d.steps = int(time.Minute / step)
	b := mem.NewBuffer(p.Get(16<<10), p)
	require.LessOrEqual(t, d.Held(), d.room, "the collector brought them back")
	b.Free()
	p.Put(kept)
	require.Eventually(t, func() bool { d.collect(); return d.Held() == 0 }, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool { return !d.collecting.Load() }, time.Minute, time.Millisecond)
}
