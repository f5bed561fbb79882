package flight

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// text is a text that one goroutine sets and others read.
type text struct{ now atomic.Pointer[string] }

func (t *text) set(s string) { t.now.Store(&s) }

func (t *text) String() string {
	if s := t.now.Load(); s != nil {
		return *s
	}
	return ""
}

// amounts are what a call has sent, or all of them, and how long it waited for that.
type amounts struct {
	rows, bytes      atomic.Int64
	reading, sending atomic.Int64 // nanoseconds
}

// calls are those that run, and what all have sent. The zero value has none.
type calls struct {
	amounts
	mu  sync.Mutex
	now map[*call]bool
}

func (c *calls) begin(one *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		c.now = map[*call]bool{}
	}
	c.now[one] = true
	one.all = c
}

func (c *calls) end(one *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.now, one)
}

// running are the calls of now, the oldest first.
func (c *calls) running() []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*call, 0, len(c.now))
	for one := range c.now {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *call) int { return cmp.Or(a.began.Compare(b.began), cmp.Compare(a.id, b.id)) })
	return all
}

// sent counts what goes to the client.
func (c *call) sent(rows, bytes int64) {
	c.rows.Add(rows)
	c.bytes.Add(bytes)
	if c.all != nil {
		c.all.rows.Add(rows)
		c.all.bytes.Add(bytes)
	}
}

// waited counts how long a stream waited for a batch, and then for its client.
func (c *call) waited(reading, sending time.Duration) {
	c.reading.Add(int64(reading))
	c.sending.Add(int64(sending))
	if c.all != nil {
		c.all.reading.Add(int64(reading))
		c.all.sending.Add(int64(sending))
	}
}
