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
