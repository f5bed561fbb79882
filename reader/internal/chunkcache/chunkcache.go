// Package chunkcache keeps decoded chunks that will likely be asked for again: those of which a request took a part.
//
// A Cache holds up to a limit of bytes, the least recently used go first. A Chunk is counted: the cache and everyone
// who was given it hold a reference, and its bytes, which nobody changes once they are published, go back to the pool
// with the last. Begin gives a chunk that is there, or the Load that makes the caller the only one to decode it. All
// types are safe for concurrent use.
package chunkcache

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// Key names a chunk: File and Object tell datasets and states of a file apart.
type Key struct{ File, Object, Chunk uint64 }

// Chunk is a decoded chunk: its elements, or, if Planes is not 0, the planes of so many of them at a time.
type Chunk struct {
	Data   []byte
	Planes int

	refs atomic.Int64
	pool *bufpool.Pool
}

// Release drops a reference.
func (c *Chunk) Release() {
	if c.refs.Add(-1) == 0 {
		c.pool.Put(c.Data)
	}
}

// Cache is the cache. Its zero value is of no use: New makes one.
type Cache struct {
	limit int64
	pool  *bufpool.Pool

	mu      sync.Mutex
	used    int64
	hits    int64
	misses  int64
	entries map[Key]*list.Element
	order   list.List // of *entry, last used first
	loads   map[Key]*Load
}

type entry struct {
	key   Key
	chunk *Chunk
}

// New makes a cache of limit bytes.
func New(limit int64) *Cache {
	return &Cache{limit: limit, pool: bufpool.NewPool(limit), entries: map[Key]*list.Element{}, loads: map[Key]*Load{}}
}

// Fits tells whether a chunk of n bytes would be kept: not those that would drive out most others.
func (c *Cache) Fits(n int64) bool { return n > 0 && n <= c.limit/4 }

// Holds tells whether chunks of n bytes in all can be kept without driving out most others.
func (c *Cache) Holds(n int64) bool { return n <= c.limit/2 }

// Used is the bytes kept.
func (c *Cache) Used() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

// Asked is how often Begin was asked for a chunk that was there or in the making, and how often for one that was not.
func (c *Cache) Asked() (hits, misses int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}

// A Load is a chunk in the making, by the one who began it.
type Load struct {
	cache *Cache
	key   Key
	ended chan struct{}
	chunk *Chunk // nil: it failed; set before ended is closed
}

// Begin gives a chunk with a reference for the caller; or else a Load. Mine is true for the caller who has to End it;
// everyone else can Wait for it, but only after having ended loads of their own, or two could wait for each other.
func (c *Cache) Begin(key Key) (chunk *Chunk, load *Load, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.entries[key]; el != nil {
		c.order.MoveToFront(el)
		c.hits++
		chunk = el.Value.(*entry).chunk
		chunk.refs.Add(1)
		return chunk, nil, false
	}
	if l := c.loads[key]; l != nil {
		c.hits++
		return nil, l, false
	}
	c.misses++
	l := &Load{cache: c, key: key, ended: make(chan struct{})}
	c.loads[key] = l
	return nil, l, true
}

// End publishes a copy of what was decoded; nil says that it failed. A second End does nothing.
func (l *Load) End(data []byte, planes int) {
	select {
	case <-l.ended:
		return
	default:
	}
	c := l.cache
	if len(data) > 0 {
		c.clear(int64(len(data)))
		l.chunk = &Chunk{Data: c.pool.Get(len(data)), Planes: planes, pool: c.pool}
		l.chunk.refs.Store(1)
		copy(l.chunk.Data, data)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loads, l.key)
	close(l.ended)
	if l.chunk != nil {
		c.keep(l.key, l.chunk)
	}
}

// clear makes room for a chunk of n bytes, so that it can have the memory of those that go.
func (c *Cache) clear(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.used+n > c.limit && c.order.Len() > 0 {
		c.drop(c.order.Back())
	}
}

// keep takes the reference of a new chunk. Called locked.
func (c *Cache) keep(key Key, chunk *Chunk) {
	c.entries[key] = c.order.PushFront(&entry{key, chunk})
	c.used += int64(cap(chunk.Data))
	for c.used > c.limit {
		c.drop(c.order.Back())
	}
}

func (c *Cache) drop(el *list.Element) {
	e := el.Value.(*entry)
	c.order.Remove(el)
	delete(c.entries, e.key)
	c.used -= int64(cap(e.chunk.Data))
	e.chunk.Release()
}

// Wait waits for somebody else's load; nil if it failed or the chunk has been dropped meanwhile.
func (l *Load) Wait(ctx context.Context) (*Chunk, error) {
	select {
	case <-l.ended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := l.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.entries[l.key]
	if el == nil {
		return nil, nil
	}
	chunk := el.Value.(*entry).chunk
	chunk.refs.Add(1)
	return chunk, nil
}

// Drop forgets the chunks of a file.
func (c *Cache) Drop(file uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for el := c.order.Front(); el != nil; {
		next := el.Next()
		if el.Value.(*entry).key.File == file {
			c.drop(el)
		}
		el = next
	}
}
