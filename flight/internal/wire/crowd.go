package wire

import (
	"net"
	"sync"
	"time"
)

// Crowd is the connections that are open, of all listeners together: so many at most. Beyond that the one that has been without a
// call for the longest is closed for a new one; where all have calls the new one is. Safe for concurrent use.
type Crowd struct {
	most int

	mu  sync.Mutex
	now map[*guest]bool
}

// NewCrowd takes most connections.
func NewCrowd(most int) *Crowd { return &Crowd{most: most, now: map[*guest]bool{}} }

// Len is how many there are.
func (c *Crowd) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.now)
}

// guest is an open connection; nil: of no crowd.
type guest struct {
	crowd *Crowd
	conn  net.Conn
	calls int
	idle  time.Time // since when it is without a call
}

// enter lets a connection in, or closes it: nil. A nil Crowd lets all in.
func (c *Crowd) enter(conn net.Conn) (*guest, bool) {
	if c == nil {
		return nil, true
	}
	g, out := c.admit(&guest{crowd: c, conn: conn, idle: time.Now()})
	if out != nil {
		_ = out.Close()
	}
	return g, g != nil
}

// admit gives the guest that is let in and the connection that has to go.
func (c *Crowd) admit(g *guest) (in *guest, out net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.now) >= c.most {
		idlest := c.idlest()
		if idlest == nil {
			return nil, g.conn
		}
		delete(c.now, idlest)
		out = idlest.conn
	}
	c.now[g] = true
	return g, out
}

// idlest has been without a call for the longest; nil: none is. Called locked.
func (c *Crowd) idlest() (found *guest) {
	for g := range c.now {
		if g.calls == 0 && (found == nil || g.idle.Before(found.idle)) {
			found = g
		}
	}
	return found
}

// leave is told when the connection ends, once or more.
func (g *guest) leave() {
	if g == nil {
		return
	}
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	delete(g.crowd.now, g)
}

// called counts a call that begins (1) or ends (-1).
func (g *guest) called(n int) {
	if g == nil {
		return
	}
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	if g.calls += n; g.calls == 0 {
		g.idle = time.Now()
	}
}
