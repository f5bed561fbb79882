package objectstore

import (
	"container/list"
	"context"
	"io"
	"slices"
	"sync"

	"github.com/mtflight/mtflight/internal/blockcache"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
)

// BlocksShare is the part of a memory's bytes that Blocks may well have: one in so many.
const BlocksShare = 16

const (
	blockSize = blockcache.BlockSize
	aheadOf   = 4 // blocks that are read at once where the one before is there
)

// Blocks keeps what was read of objects' metadata, in blocks: the least recently used go first, and all where others lack
// memory. With a block cache all that is read goes there, too. A nil one keeps nothing.
type Blocks struct {
	mem  *bufpool.Memory
	most int64
	disk *blockcache.Cache
	deaf func()

	mu   sync.Mutex
	held int64
	at   map[blockKey]*list.Element // of *block
	used list.List                  // last used first

	coming map[blockcache.Key]chan struct{} // blocks that somebody gets for the disk, closed when they are there or cannot be
}

type blockKey struct {
	of *Object
	n  int64
}

type block struct {
	blockKey
	bytes []byte
}

// NewBlocks keeps so many bytes at most, reserved of a memory's budget, and what disk (nil: none) has room for, which is closed with it.
func NewBlocks(m *bufpool.Memory, most int64, disk *blockcache.Cache) *Blocks {
	b := &Blocks{mem: m, most: most, disk: disk, at: map[blockKey]*list.Element{}, coming: map[blockcache.Key]chan struct{}{}}
	b.deaf = m.Budget.OnShortage(b.drop)
	return b
}

// OpenBlocks is NewBlocks with the block cache of a directory, of so many bytes; "": with none. Errors: blockcache.Open's.
func OpenBlocks(m *bufpool.Memory, most int64, d *disks.Disks, dir string, bytes int64) (*Blocks, error) {
	if dir == "" {
		return NewBlocks(m, most, nil), nil
	}
	disk, err := blockcache.Open(d, dir, bytes)
	if err != nil {
		return nil, err
	}
	return NewBlocks(m, most, disk), nil
}

// Close gives everything back.
func (b *Blocks) Close() {
	b.deaf()
	b.drop()
	_ = b.disk.Close() // which was written at once
	client().CloseIdleConnections()
}

// Held is the bytes kept, which are part of those that the budget calls used.
func (b *Blocks) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

func (b *Blocks) drop() { b.shrink(0) }

// shrink drops the blocks that were used longest ago until no more than most bytes are kept.
func (b *Blocks) shrink(most int64) {
	b.mu.Lock()
	gone := int64(0)
	for b.held > most && b.used.Len() > 0 {
		gone += b.remove(b.used.Back())
	}
	b.mu.Unlock()
	b.giveBack(gone)
}

// giveBack returns bytes to the budget, which need not hear of none.
func (b *Blocks) giveBack(bytes int64) {
	if bytes > 0 {
		b.mem.Return(bytes)
	}
}

// Forget drops the blocks that are kept of the object.
func (o *Object) Forget() {
	if b := o.blocks; b != nil {
		b.mu.Lock()
		gone := int64(0)
		for k, e := range b.at {
			if k.of == o {
				gone += b.remove(e)
			}
		}
		b.mu.Unlock()
		b.giveBack(gone)
	}
}

// remove takes out a block, of so many bytes, whose reservation is the caller's to give back. b.mu is held.
func (b *Blocks) remove(e *list.Element) int64 {
	one := b.used.Remove(e).(*block)
	delete(b.at, one.blockKey)
	b.held -= int64(len(one.bytes))
	return int64(len(one.bytes))
}

func (b *Blocks) get(k blockKey) []byte {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.at[k]
	if e == nil {
		return nil
	}
	b.used.MoveToFront(e)
	return e.Value.(*block).bytes
}

// put keeps the n-th block of an object, if there is room.
func (b *Blocks) put(o *Object, n int64, bytes []byte) {
	size := int64(len(bytes))
	if b == nil || size == 0 {
		return
	}
	b.shrink(b.most - size)
	if !b.mem.TryReserve(size) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := blockKey{o, n}
	if b.at[k] != nil {
		b.mem.Return(size)
		return
	}
	b.at[k] = b.used.PushFront(&block{k, bytes})
	b.held += size
}

// ReadAt is io.ReaderAt, by blocks that are kept: for what is read again, in many small pieces.
func (o *Object) ReadAt(ctx context.Context, p []byte, off int64) (n int, err error) {
	for n < len(p) && off < o.info.Size {
		b, err := o.block(ctx, off/blockSize)
		if err != nil {
			return n, err
		}
		got := copy(p[n:], b[off%blockSize:])
		n, off = n+got, off+int64(got)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// block is the n-th block of the object, one after the other.
func (o *Object) block(ctx context.Context, n int64) ([]byte, error) {
	if b := o.blocks.get(blockKey{o, n}); b != nil {
		return b, nil
	}
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-o.turn }()
	if b := o.blocks.get(blockKey{o, n}); b != nil {
		return b, nil
	}
	size := int64(blockSize)
	if o.blocks.get(blockKey{o, n - 1}) != nil {
		size *= aheadOf
	}
	p := make([]byte, min(size, o.info.Size-n*blockSize))
	if err := o.Read(ctx, p, n*blockSize); err != nil {
		return nil, err
	}
	first := p[:min(blockSize, len(p))]
	if len(p) == len(first) {
		o.blocks.put(o, n, p)
		return p, nil
	}
	for part := range slices.Chunk(p, blockSize) { // each of memory of its own, which goes when it does
		o.blocks.put(o, n, slices.Clone(part))
		n++
	}
	return first, nil
}
