package wire

import (
	"net"
	"sync"
	"time"
)

// Crowd is the connections that are open, of all listeners together: so many at most. Beyond that one is closed for a new one: without a call for the
// longest, of whoever has the most connections. Where all have calls, the new one is closed; but once clients log in, whom it is from is waited for, and
// whoever has the most loses one. Those who are not known are one then, like somebody. Safe for concurrent use.
type Crowd struct {
	most int

	mu     sync.Mutex
	now    map[*guest]bool
	logins bool // somebody was known
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
	owner string // "": not known
	calls int
	came  time.Time
	idle  time.Time // since when it is without a call
}

// visitor is a connection that was let in.
type visitor struct {
	net.Conn
	guest *guest
}

// Close is net.Conn's.
func (v visitor) Close() error {
	v.guest.leave()
	return v.Conn.Close()
}

// accept gives the next connection of a listener that is let in.
func (c *Crowd) accept(l net.Listener) (v visitor, err error) {
	for {
		if v.Conn, err = l.Accept(); err != nil {
			return visitor{}, err
		}
		ok := false
		if v.guest, ok = c.enter(v.Conn); ok {
			return v, nil
		}
	}
}

// enter lets a connection in, or closes it: nil. A nil Crowd lets all in.
func (c *Crowd) enter(conn net.Conn) (*guest, bool) {
	if c == nil {
		return nil, true
	}
	g, out := c.admit(&guest{crowd: c, conn: conn, came: time.Now(), idle: time.Now()})
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
		v := c.victim(c.counts(), true)
		switch {
		case v != nil:
			delete(c.now, v)
			out = v.conn
		case !c.logins || len(c.now) > c.most+c.most/8:
			return nil, g.conn
		}
	}
	c.now[g] = true
	return g, out
}

// counts are the connections of each owner; where nobody logs in there is none. Called locked.
func (c *Crowd) counts() map[string]int {
	of := map[string]int{}
	for g := range c.now {
		if c.logins {
			of[g.owner]++
		}
	}
	return of
}

// victim is, of who has the most connections among those that can go, one without a call for the longest, else the newest; idle: only one without; nil:
// there is none. Called locked.
func (c *Crowd) victim(of map[string]int, idle bool) (found *guest) {
	for g := range c.now {
		if !(idle && g.calls > 0) && (found == nil || g.before(found, of)) {
			found = g
		}
	}
	return found
}

// before tells whether g goes rather than o.
func (g *guest) before(o *guest, of map[string]int) bool {
	switch {
	case of[g.owner] != of[o.owner]:
		return of[g.owner] > of[o.owner]
	case (g.calls == 0) != (o.calls == 0):
		return g.calls == 0
	case g.calls == 0:
		return g.idle.Before(o.idle)
	}
	return g.came.After(o.came)
}

// known is told from whom a connection's calls are. Where there are more connections than may be, one goes now.
func (g *guest) known(owner string) {
	if g == nil || owner == "" {
		return
	}
	if out := g.crowd.learn(g, owner); out != nil {
		_ = out.Close()
	}
}

func (c *Crowd) learn(g *guest, owner string) (out net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.logins = true; g.owner == owner || !c.now[g] {
		return nil
	}
	g.owner = owner
	if len(c.now) <= c.most {
		return nil
	}
	v := c.victim(c.counts(), false)
	delete(c.now, v)
	return v.conn
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
