package location

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was visited for a value is asked about as it is put where it is kept, also under the context that notes the visit itself.
func TestKeptUnderItsOwnVisit(t *testing.T) {
	open := true
	l := Location{Path: "/root/own.h5", May: func(context.Context, string) bool { return open }}
	around, outer := Begin(t.Context())
	ctx, visit := Begin(around)
	require.True(t, l.may(ctx, "/root/other.h5"))
	var kept Kept[int]
	kept.Put(ctx, l, "x", 3, visit)
	v, ok := kept.Get(ctx, l, "x")
	require.True(t, ok)
	require.Equal(t, 3, v)
	open = false
	_, ok = kept.Get(t.Context(), l, "x")
	require.False(t, ok)
	require.False(t, outer.Open(t.Context(), l), "what is visited inside is visited outside")
	kept.Put(ctx, l, "y", 4, visit)
	open = true
	_, ok = kept.Get(t.Context(), l, "y")
	require.False(t, ok)
}
