package identity

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdentityGoesWithTheContext(t *testing.T) {
	require.Equal(t, Identity{}, Of(context.Background()))
	require.False(t, Of(context.Background()).Known())
	ann := Identity{Name: "ann", Groups: []string{"muon"}, How: "token"}
	ctx, cancel := context.WithCancel(With(context.Background(), ann))
	defer cancel()
	require.Equal(t, ann, Of(ctx))
	require.True(t, Of(ctx).Known())
	require.True(t, Of(ctx).In("muon"))
	require.False(t, Of(ctx).In("ann"))
}
