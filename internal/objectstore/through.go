package objectstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/mtflight/mtflight/internal/blockcache"
	"github.com/mtflight/mtflight/internal/bufpool"
)

// digest is what the n-th block of the version is called on disk.
func (o *Object) digest(n int64) blockcache.Key {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(o.Version()+"\x00"), uint64(n)))
}

func (b *Blocks) onDisk() *blockcache.Cache {
	if b == nil {
		return nil
	}
	return b.disk
}

// part is a block that a read takes all or some of.
type part struct {
	n     int64  // its number
	bytes []byte // for all of it
	take  []byte // what is wanted, where that is another memory
	from  int64  // of the block
	key   blockcache.Key
}

// through is Read by way of the block cache: ranges that are asked for consist of whole blocks, each of which is asked for once, however
// many want it.
func (o *Object) through(ctx context.Context, p []byte, off int64) error {
	edges := o.blocks.mem.TryLease(2 * bufpool.Takes(blockSize))
	if edges == nil { // no room for what is beyond p
		return o.fetch(ctx, p, off)
	}
	defer edges.Close()
	parts := o.parts(p, off, edges)
	err := o.gather(ctx, parts)
	for _, b := range parts {
		if b.take != nil {
			copy(b.take, b.bytes[b.from:])
			edges.Free(b.bytes)
		}
	}
	return err
}

// parts are the blocks that bytes lie in. The first and the last get memory of their own where they are not wanted whole.
func (o *Object) parts(p []byte, off int64, edges *bufpool.Lease) (out []part) {
	for len(p) > 0 {
		n, from := off/blockSize, off%blockSize
		length := min(blockSize, o.info.Size-n*blockSize)
		got := min(length-from, int64(len(p)))
		b := part{n: n, bytes: p[:got], from: from, key: o.digest(n)}
		if got < length {
			b.bytes, b.take = edges.Allocate(int(length)), p[:got]
		}
		out = append(out, b)
		p, off = p[got:], off+got
	}
	return out
}

// gather fills blocks: those that are kept, then those that nobody else gets, then those that others got.
func (o *Object) gather(ctx context.Context, parts []part) error {
	for len(parts) > 0 {
		mine, others, wait := o.blocks.claim(parts)
		err := o.get(ctx, mine)
		o.blocks.came(mine)
		if err != nil {
			return err
		}
		if wait != nil {
			select {
			case <-wait:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		parts = others // mostly kept by now
	}
	return nil
}

// claim parts blocks into those that are the caller's to get and those that somebody gets, of which the first is waited for.
func (b *Blocks) claim(parts []part) (mine, others []part, wait chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range parts {
		if ch := b.coming[p.key]; ch != nil {
			if wait == nil {
				wait = ch
			}
			others = append(others, p)
			continue
		}
		b.coming[p.key] = make(chan struct{})
		mine = append(mine, p)
	}
	return mine, others, wait
}

// came ends a claim.
func (b *Blocks) came(mine []part) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range mine {
		close(b.coming[p.key])
		delete(b.coming, p.key)
	}
}

// get fills blocks, neighbours that are not kept by one range.
func (o *Object) get(ctx context.Context, parts []part) error {
	missing := slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return o.known(ctx, p) })
	for len(missing) > 0 {
		n := 1
		for n < min(len(missing), mostRange/blockSize) && missing[n].n == missing[n-1].n+1 {
			n++
		}
		if err := o.keep(ctx, missing[:n]); err != nil {
			return err
		}
		missing = missing[n:]
	}
	return nil
}

// known fills a block that is kept.
func (o *Object) known(ctx context.Context, p part) bool {
	if kept := o.blocks.get(blockKey{o, p.n}); len(kept) == len(p.bytes) {
		copy(p.bytes, kept)
		return true
	}
	return o.blocks.disk.Get(ctx, p.key, p.bytes)
}

// keep fills neighbours from the store, and keeps them.
func (o *Object) keep(ctx context.Context, parts []part) error {
	into := make([][]byte, len(parts))
	for i, p := range parts {
		into[i] = p.bytes
	}
	if err := o.read(ctx, into, parts[0].n*blockSize); err != nil {
		return err
	}
	for _, p := range parts {
		o.blocks.disk.Put(ctx, p.key, p.bytes)
	}
	return nil
}
