// Package colcache keeps columns that were decoded, as Arrow arrays, for whoever asks for the same rows again.
//
// A Cache holds arrays of consecutive rows (Series, and the first row) up to a limit of bytes; those that are asked for often
// stay, so that one long scan does not drive out what others use. What is kept takes memory that was never touched, which costs a scan
// a sixth of its time: so the rows of a large result are kept once they were missed a second time (Find tells), those of a small one
// (Small) at once, and of chunks that are decoded for a few of their rows all rows as long as there is Room. The arrays are those of batches that were read: their memory
// is the batch's, counted in the budget until the last reference goes, and nobody changes it. Dataset is the door for a scan:
// Find and FindRows give a Found, whose references are the caller's, and Add takes references of its own. All types but Found are
// safe for concurrent use. Answers, the rows that a condition or an order has found, are kept among them as arrays of row numbers.
package colcache

import (
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/maypok86/otter/v2"
)

// Series names a column as a conversion makes it, of an object in one state of a file.
type Series struct {
	File, Object uint64
	Column       string
}

// extent is rows of a series.
type extent struct {
	Series
	start, n int64
}

// kept is an array of the cache.
type kept struct {
	extent
	values arrow.Array
	bytes  int64
}

// Cache is the cache; New makes one. nil keeps nothing.
type Cache struct {
	limit int64

	mu     sync.Mutex // around all of it, the policy too: what that drops leaves with its place
	policy *otter.Cache[extent, *kept]
	series map[Series][]*kept // by first row
	files  map[uint64]bool    // that may have columns here
	missed [2]map[extent]bool // lately, and before that
	held   int64
	hits   int64
	misses int64

	answerHits, answerMisses int64
}

// New makes a cache of limit bytes; nil where there are none.
func New(limit int64) *Cache {
	if limit <= 0 {
		return nil
	}
	c := &Cache{limit: limit, series: map[Series][]*kept{}, files: map[uint64]bool{}}
	c.policy = otter.Must(&otter.Options[extent, *kept]{
		MaximumWeight:    uint64(limit),
		Weigher:          func(_ extent, k *kept) uint32 { return uint32(min(besideBytes+k.bytes, math.MaxUint32)) },
		OnAtomicDeletion: func(e otter.DeletionEvent[extent, *kept]) { c.left(e.Value) },
		Executor:         func(task func()) { task() }, // called with the mutex locked, and ends so
	})
	return c
}

// Held is the bytes kept.
func (c *Cache) Held() int64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// Asked is how often Find found all rows of a column, and how often not.
func (c *Cache) Asked() (hits, misses int64) {
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}

// Know lets a file have columns here, until Drop.
func (c *Cache) Know(file uint64) {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.files[file] = true
	}
}

// Drop forgets the columns of a file, for good.
func (c *Cache) Drop(file uint64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.files, file)
	for s, all := range c.series {
		if s.File == file {
			for _, k := range slices.Clone(all) {
				c.policy.Invalidate(k.extent)
			}
		}
	}
}

// leastGiven is how many bytes Give gives back at least, if they are there.
const leastGiven = 64 << 20

// Give gives back half of what is kept, what is asked for least.
func (c *Cache) Give() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []extent
	bytes, enough := int64(0), max(c.held/2, leastGiven)
	for e := range c.policy.Coldest() {
		if bytes >= enough {
			break
		}
		out, bytes = append(out, e.Key), bytes+e.Value.bytes
	}
	for _, e := range out {
		c.policy.Invalidate(e)
	}
}

// Close gives back everything.
func (c *Cache) Close() {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.files = map[uint64]bool{}
		c.policy.InvalidateAll()
	}
}

// left takes an array that the policy has dropped out of its series. Called locked.
func (c *Cache) left(k *kept) {
	all := c.series[k.Series]
	if i := slices.Index(all, k); i >= 0 {
		all = slices.Delete(all, i, i+1)
	}
	if c.series[k.Series] = all; len(all) == 0 {
		delete(c.series, k.Series)
	}
	c.held -= k.bytes
	k.values.Release()
}

const (
	leastBytes  = 2 << 10 // of arrays that are kept, on average: smaller ones take as much beside their values
	besideBytes = 512     // that an array takes beside its values, of answers without rows, too
	farBack     = 32      // arrays that are looked at for one in which a row lies: they overlap where batches were cut differently
)

// add keeps an array unless its rows are here.
func (c *Cache) add(s Series, start int64, values arrow.Array, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.insert(&kept{extent: extent{s, start, int64(values.Len())}, values: values, bytes: bytes})
}

// insert is add. Called locked.
func (c *Cache) insert(k *kept) {
	s, start := k.Series, k.start
	if k.bytes > c.limit/4 || !c.files[s.File] || c.cover(s, start, k.n) != nil {
		return
	}
	for _, old := range c.within(s, start, k.n) { // that would have no use any more
		c.policy.Invalidate(old.extent)
	}
	k.values.Retain()
	c.held += k.bytes
	all := c.series[s]
	at := sort.Search(len(all), func(i int) bool { return all[i].start >= start })
	c.series[s] = slices.Insert(all, at, k)
	c.policy.Set(k.extent, k)
	c.policy.CleanUp()
}

// within is arrays of which all rows are among some. Called locked.
func (c *Cache) within(s Series, start, n int64) (out []*kept) {
	all := c.series[s]
	for i := sort.Search(len(all), func(i int) bool { return all[i].start >= start }); i < len(all) && all[i].start < start+n; i++ {
		if all[i].start+all[i].n <= start+n {
			out = append(out, all[i])
		}
	}
	return out
}

// cover is arrays in which rows lie, in their order; nil where some are not here. Called locked.
func (c *Cache) cover(s Series, start, n int64) (out []*kept) {
	for at := start; at < start+n; {
		k := c.at(s, at)
		if k == nil {
			return nil
		}
		out, at = append(out, k), k.start+k.n
	}
	return out
}

// mostMissed is how many extents are remembered at least that were missed.
const mostMissed = 1 << 15

// miss notes that rows were missed, and tells whether they were before. Called locked.
func (c *Cache) miss(e extent) (again bool) {
	if again = c.missed[0][e] || c.missed[1][e]; again {
		return true
	}
	if len(c.missed[0]) >= mostMissed || c.missed[0] == nil {
		c.missed[0], c.missed[1] = map[extent]bool{}, c.missed[0]
	}
	c.missed[0][e] = true
	return false
}

// find gives rows of a column; nil where some are not here: again if that was so before.
func (c *Cache) find(s Series, start, n int64) (out Pieces, again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := start
	for _, k := range c.cover(s, start, n) {
		c.policy.GetIfPresent(k.extent) // counts as a use
		k.values.Retain()
		end := min(k.start+k.n, start+n)
		out = append(out, piece{k.values, at - k.start, end - k.start})
		at = end
	}
	if out == nil {
		c.misses++
		return nil, c.miss(extent{s, start, n})
	}
	c.hits++
	return out, false
}

// Pieces are arrays with the rows of them that are wanted, one after the other.
type Pieces []piece

type piece struct {
	values   arrow.Array
	from, to int64
}

// Whole tells whether the rows are one array as it is.
func (p Pieces) Whole() bool {
	return len(p) == 1 && p[0].from == 0 && p[0].to == int64(p[0].values.Len())
}

// Release gives the references back.
func (p Pieces) Release() {
	for _, q := range p {
		q.values.Release()
	}
}

// Array is the rows as one array, the caller's to release: the one that is kept, or a copy where it has to be one or is asked for.
func (p Pieces) Array(mem memory.Allocator, copied bool) (arrow.Array, error) {
	if p.Whole() && !copied {
		p[0].values.Retain()
		return p[0].values, nil
	}
	parts := make([]arrow.Array, len(p))
	for i, q := range p {
		parts[i] = array.NewSlice(q.values, q.from, q.to)
		defer parts[i].Release()
	}
	return array.Concatenate(parts, mem)
}

// sizeOf is the memory that an array's buffers take.
func sizeOf(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(cap(b.Buf()))
		}
	}
	for _, child := range d.Children() {
		n += sizeOf(child)
	}
	return n
}
