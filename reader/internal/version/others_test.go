package version

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// What a state has marks of is met again, and nothing else.
func TestMarks(t *testing.T) {
	v, a, b := open(t, write(t, 10_000, 1)), open(t, write(t, 10_000, 2)), open(t, write(t, 20_000, 3))
	none := (*Version)(nil)
	meet := func(ctx context.Context) {
		require.NoError(t, a.Met(ctx, "a", false))
		require.NoError(t, b.Met(ctx, "b", false))
		require.NoError(t, none.Met(ctx, "gone", false))
	}
	own := v.State(false)
	state := v.With(context.Background(), false, false, meet)
	require.Equal(t, state, v.With(context.Background(), false, false, meet), "in one order")
	require.Len(t, state, len(own)+1+3*markText)
	require.NoError(t, v.Check(state))

	ctx := Expect(context.Background(), state)
	meet(ctx)
	for _, other := range []struct {
		name string
		v    *Version
	}{{"a", b}, {"c", a}, {"a", nil}, {"gone", a}} {
		require.ErrorIs(t, other.v.Met(ctx, other.name, false), fault.Changed)
	}
	for _, anything := range []string{"", own, state + "x", "set." + state + "." + state} {
		require.NoError(t, a.Met(Expect(context.Background(), anything), "c", false))
	}
	for _, wrong := range []string{state + "x", own + "+short", own + "+~2345678", own + "x+"} {
		require.ErrorIs(t, v.Check(wrong), fault.Changed, wrong)
	}
}

// Nothing is said of others where not all were met, and of what is followed.
func TestNoMarks(t *testing.T) {
	v := open(t, write(t, 10_000, 1))
	ctx, cancel := context.WithCancel(context.Background())
	one := func(ctx context.Context) { _ = v.Met(ctx, "a", false) }
	require.Equal(t, v.State(false), v.With(ctx, false, false, nil))
	require.Equal(t, v.State(false), v.With(ctx, false, false, func(context.Context) {}))
	require.Equal(t, v.State(true), v.With(ctx, false, true, one))
	require.True(t, strings.HasPrefix(v.With(ctx, true, false, one), v.State(true)+"+"))
	require.Equal(t, v.State(false), v.With(ctx, false, false, func(ctx context.Context) {
		for i := range maxMarks + 1 {
			_ = (*Version)(nil).Met(ctx, fmt.Sprint(i), false)
		}
	}))
	require.Equal(t, v.State(false), v.With(ctx, false, false, func(ctx context.Context) {
		one(ctx)
		cancel()
	}))
}

// A file that grows may be met again when it has grown.
func TestMetAsItGrows(t *testing.T) {
	short, long := open(t, write(t, 10_000, 1)), open(t, write(t, 20_000, 2))
	state := short.With(context.Background(), false, false, func(ctx context.Context) { _ = short.Met(ctx, "a", true) })
	ctx := Expect(context.Background(), state)
	require.NoError(t, long.Met(ctx, "a", true))
	require.ErrorIs(t, long.Met(ctx, "a", false), fault.Changed)
}
