package wire

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCrowd(t *testing.T) {
	c := NewCrowd(2)
	conn := func() net.Conn { a, b := net.Pipe(); t.Cleanup(func() { _ = b.Close() }); return a }
	closed := func(c net.Conn) bool { return c.SetDeadline(time.Time{}) != nil }
	a, ok := c.enter(conn())
	require.True(t, ok)
	b, ok := c.enter(conn())
	require.True(t, ok)
	b.called(1)
	d, ok := c.enter(conn())
	require.True(t, ok, "a was idle")
	require.True(t, closed(a.conn))
	a.leave()
	d.called(1)
	_, ok = c.enter(conn())
	require.False(t, ok)
	require.Equal(t, 2, c.Len())
	b.called(-1)
	e, ok := c.enter(conn())
	require.True(t, ok)
	require.True(t, closed(b.conn))
	require.False(t, closed(d.conn))
	e.leave()
	e.leave()
	d.leave()
	require.Zero(t, c.Len())
	none, ok := (*Crowd)(nil).enter(conn())
	require.True(t, ok)
	none.called(1)
	none.leave()
}

// TestCrowdOfSome: of those who log in whoever has the most connections loses one, with a call too, and a new one is let in until it is known.
func TestCrowdOfSome(t *testing.T) {
	c := NewCrowd(16)
	conn := func() net.Conn { a, b := net.Pipe(); t.Cleanup(func() { _ = b.Close() }); return a }
	open := func(all []*guest) (n int) {
		for _, g := range all {
			if g.conn.SetDeadline(time.Time{}) == nil {
				n++
			}
		}
		return n
	}
	enter := func(owner string, n int) (all []*guest) {
		for range n {
			g, ok := c.enter(conn())
			require.True(t, ok)
			g.called(1)
			g.known(owner)
			all = append(all, g)
		}
		return all
	}
	mine := enter("many", 16)
	require.Equal(t, 16, open(mine))
	require.Zero(t, open(enter("many", 2)), "its own go")
	other := enter("other", 5)
	require.Equal(t, 5, open(other))
	require.Equal(t, 11, open(mine))
	require.Equal(t, 16, c.Len())
	mine[0].called(-1)
	enter("third", 1)
	require.Error(t, mine[0].conn.SetDeadline(time.Time{}), "without a call, of who has most")
	enter("", 3) // never known
	_, ok := c.enter(conn())
	require.False(t, ok)
	require.Equal(t, 19, c.Len())
	other[0].known("other")
	require.Equal(t, 5, open(other))
}
