package blockcache

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/zeebo/xxh3"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/secret"
)

// BlockSize is the bytes of a block at most.
const BlockSize = 256 << 10

// Least is the bytes of a file that is worth it.
const Least = 64 << 20

const (
	patience = 2 * time.Second  // that the disk is waited for: the network may be faster
	rest     = 10 * time.Second // that it is not asked after that
	apart    = 8                // seconds between two notes that a block was used
)

// Key is a digest of what a block is of.
type Key [32]byte

// Cache is the file.
type Cache struct {
	d             *disks.Disks
	f             *os.File
	door          disks.File
	sets          int64
	first         int64                     // where blocks begin
	locks         [64]sync.Mutex            // of sets, among who writes here
	until         atomic.Pointer[time.Time] // when the disk is asked again
	told          sync.Once                 // that it cannot be written
	kept          atomic.Int64              // blocks written
	found, missed atomic.Int64              // blocks asked for
}

// Open opens the cache of a directory, which is made, and has to be this user's alone. Its file has so many bytes at most, or those
// that it has where another program uses it. Errors: fault.Precondition, fault.Denied, fault.Unavailable.
func Open(d *disks.Disks, dir string, bytes int64) (*Cache, error) {
	if bytes < Least {
		return nil, fault.New(fault.Invalid, "a block cache of %d bytes is too small: give --block-cache at least %d MB", bytes, Least>>20)
	}
	if err := secret.Dir(dir, "block-cache"); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "blocks"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fault.New(fault.Precondition, "%w: choose another --block-cache", err)
	}
	n, err := settle(f, entriesFor(bytes))
	if err != nil {
		_ = f.Close()
		return nil, fault.New(fault.Precondition, "%w: choose another --block-cache", err)
	}
	if n != entriesFor(bytes) {
		d.Log.Info("the block cache keeps the size that it has for another program that uses it", zap.Int64("bytes", firstBlock(n)+n*BlockSize))
	}
	return &Cache{d: d, f: f, door: disks.NewFile(d.Of(f.Name()).Lane(f.Name()), f), sets: n / ways, first: firstBlock(n)}, nil
}

// Close closes the file. What it holds stays.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	return c.door.Close()
}

// Counts are the blocks that were there when they were asked for, those that were not, and those that were written.
func (c *Cache) Counts() (found, missed, kept int64) {
	if c == nil {
		return 0, 0, 0
	}
	return c.found.Load(), c.missed.Load(), c.kept.Load()
}

// Get fills p with a block, which has to be of its length; false: it is not there.
func (c *Cache) Get(ctx context.Context, k Key, p []byte) bool {
	if c == nil || c.rests() {
		return false
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	found := c.get(ctx, k, p)
	if found {
		c.found.Add(1)
	} else {
		c.missed.Add(1)
		c.late(ctx)
	}
	return found
}

func (c *Cache) get(ctx context.Context, k Key, p []byte) bool {
	at := c.set(k)
	table, err := c.table(ctx, at)
	if err != nil {
		return false
	}
	i, e := find(table, k)
	if i < 0 || int(e.length) != len(p) {
		return false
	}
	if n, _ := c.door.ReadAt(ctx, p, c.block(at, i)); n < len(p) || xxh3.Hash128(p) != e.sum {
		return false
	}
	if now := seconds(); now-e.used >= apart { // a race decides at most which block gives way
		_ = c.write(ctx, little.AppendUint32(nil, now), at+int64(i)*entryBytes+usedAt)
	}
	return true
}

// Put keeps a block, unless it is there, another program writes to its set just now, or the disk cannot.
func (c *Cache) Put(ctx context.Context, k Key, b []byte) {
	if c == nil || len(b) == 0 || len(b) > BlockSize || c.rests() {
		return
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	at := c.set(k)
	mu := &c.locks[at/setBytes%int64(len(c.locks))]
	mu.Lock()
	defer mu.Unlock()
	if lock(c.f, unix.F_WRLCK, at, setBytes) != nil {
		return
	}
	err := c.put(ctx, at, k, b)
	_ = lock(c.f, unix.F_UNLCK, at, setBytes)
	if err != nil && !c.late(ctx) && fault.Of(err) != fault.Exhausted {
		c.told.Do(func() { c.d.Log.Warn("the block cache cannot be written", zap.Error(err)) })
	}
}

// put keeps a block in the set whose table lies at an address.
func (c *Cache) put(ctx context.Context, at int64, k Key, b []byte) error {
	table, err := c.table(ctx, at)
	if err != nil {
		return err
	}
	e := entry{key: k, sum: xxh3.Hash128(b), length: uint32(len(b)), used: seconds()}
	i, old := find(table, k)
	if i >= 0 && old.sum == e.sum && old.length == e.length {
		return nil
	}
	if i < 0 {
		i = oldest(table)
	}
	if err := c.write(ctx, b, c.block(at, i)); err != nil {
		return err
	}
	c.kept.Add(1)
	return c.write(ctx, e.bytes(), at+int64(i)*entryBytes)
}

// set is where the table of a key's set lies.
func (c *Cache) set(k Key) int64 { return page + int64(little.Uint64(k[:])%uint64(c.sets))*setBytes }

// block is where the block of an entry lies.
func (c *Cache) block(set int64, i int) int64 {
	return c.first + ((set-page)/entryBytes+int64(i))*BlockSize
}

func (c *Cache) table(ctx context.Context, at int64) ([]byte, error) {
	b := make([]byte, setBytes)
	_, err := c.door.ReadAt(ctx, b, at)
	return b, err
}

// find is the entry of a key in a table, by its number; -1: there is none.
func find(table []byte, k Key) (int, entry) {
	for i := range ways {
		b := table[i*entryBytes:][:entryBytes]
		if Key(b[:len(k)]) != k {
			continue
		}
		if e, ok := entryOf(b); ok {
			return i, e
		}
	}
	return -1, entry{}
}

// oldest is the entry that gives way: one that is none, or was used longest ago.
func oldest(table []byte) (least int) {
	used := uint32(math.MaxUint32)
	for i := range ways {
		e, ok := entryOf(table[i*entryBytes:][:entryBytes])
		if !ok {
			return i
		}
		if e.used < used {
			least, used = i, e.used
		}
	}
	return least
}

func seconds() uint32 { return uint32(time.Now().Unix()) }

// write writes bytes by a call that may outlive the caller's patience: of memory of its own.
func (c *Cache) write(ctx context.Context, b []byte, at int64) error {
	own, free := c.copied(b)
	if own == nil {
		return fault.New(fault.Exhausted, "there is no memory to write it from")
	}
	var taken atomic.Bool // by the call, or by who gave up before it began
	_, err := disks.Ask(ctx, c.door.Lane, func() (int, error) {
		if taken.Swap(true) {
			return 0, nil
		}
		defer free()
		return c.f.WriteAt(own, at)
	})
	if !taken.Swap(true) {
		free()
	}
	return err
}

// copied is a copy, of a budget's memory where it is large; nil: there is none.
func (c *Cache) copied(b []byte) (own []byte, free func()) {
	if m := c.d.Memory; m != nil && len(b) > page {
		l := m.TryLease(bufpool.Takes(int64(len(b))))
		if l == nil {
			return nil, nil
		}
		own = l.Allocate(len(b))
		copy(own, b)
		return own, func() { l.Free(own); l.Close() }
	}
	return slices.Clone(b), func() {}
}

// late tells whether the disk took too long, and leaves it alone for a while then.
func (c *Cache) late(ctx context.Context) bool {
	if context.Cause(ctx) != context.DeadlineExceeded {
		return false
	}
	until := time.Now().Add(rest)
	c.until.Store(&until)
	return true
}

func (c *Cache) rests() bool {
	until := c.until.Load()
	return until != nil && time.Now().Before(*until)
}
