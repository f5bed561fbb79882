package admission

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// TestWhoHasMostGivesWay: its newest call first, until nobody has fewer.
func TestWhoHasMostGivesWay(t *testing.T) {
	s := NewShares(4)
	var ended []string
	enter := func(owner, call string) *Share {
		share, err := s.Enter(owner, func(why error) {
			require.ErrorIs(t, why, fault.Exhausted)
			ended = append(ended, call)
		}, func(error) {})
		if err != nil {
			require.True(t, fault.IsLater(err))
			require.Nil(t, share)
		}
		return share
	}
	a := enter("a", "a1")
	for _, call := range []string{"a2", "a3", "a4"} {
		require.NotNil(t, enter("a", call))
	}
	require.Nil(t, enter("a", "a5"), "its own do not give way to it")
	require.Empty(t, ended)
	b := enter("b", "b1")
	require.Equal(t, []string{"a4"}, ended)
	require.NotNil(t, enter("b", "b2"))
	require.Equal(t, []string{"a4", "a3"}, ended)
	require.Nil(t, enter("b", "b3"), "both have half")
	c := enter("c", "c1")
	require.NotNil(t, c, "who has none")
	require.Len(t, ended, 3)
	a.Leave()
	a.Leave()
	b.Leave()
	c.Leave()
	(*Share)(nil).Leave()
	require.LessOrEqual(t, s.all, 1)
	_, err := NewShares(0).Enter("a", func(error) {}, func(error) {})
	require.True(t, errors.Is(err, fault.Exhausted))
}
