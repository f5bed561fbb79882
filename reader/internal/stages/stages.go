// Package stages does the parts of a read apart, for who measures which of them limits it: reading a dataset's bytes, and undoing its
// filters over bytes that are in memory already, each in as many goroutines as the engine has workers. Nothing of it is in a read's way:
// the pieces are cut, read and decoded by the code that reads them otherwise (package store).
//
// Memory is the engine's; a Held has some until its Close.
package stages

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// Stages are those of one dataset. Safe for concurrent use.
type Stages struct {
	mem     *bufpool.Memory
	workers int
	store   store.Store
	pieces  []store.Piece
}

// Of gives the stages of a scan's dataset, of so many stored bytes at most. Errors: fault.Unsupported for a dataset whose bytes are
// not read from its file in ranges, such as a virtual one.
func Of(s *fill.Scan, most int64) (*Stages, error) {
	p, ok := s.Store.(store.Pieced)
	if !ok {
		return nil, fault.New(fault.Unsupported, "the parts of reading it cannot be done apart: it is no dataset of chunks or of one piece")
	}
	out := &Stages{mem: s.Engine.Mem, workers: s.WorkerCount, store: s.Store, pieces: p.Pieces(most)}
	if len(out.pieces) == 0 {
		return nil, fault.New(fault.Unsupported, "the parts of reading it cannot be done apart: the file has none of its bytes in ranges")
	}
	return out, nil
}

// Bytes is how many bytes of the file Read reads, and how many bytes of elements they make, in chunks that are whole.
func (s *Stages) Bytes() (stored, elements int64) { return bytesOf(s.pieces) }

func bytesOf(pieces []store.Piece) (stored, elements int64) {
	for _, p := range pieces {
		stored += p.Bytes()
		elements += p.Elements()
	}
	return stored, elements
}

// Read reads all pieces and keeps nothing. Errors: those of reading; fault.Exhausted.
func (s *Stages) Read(ctx context.Context) error {
	largest := int64(0)
	for _, p := range s.pieces {
		largest = max(largest, p.Bytes())
	}
	return s.each(ctx, len(s.pieces), largest, func(l *bufpool.Lease, i int) error {
		buf := l.Allocate(int(s.pieces[i].Bytes()))
		defer l.Free(buf)
		return s.pieces[i].Read(ctx, buf)
	})
}

// each does n things in the workers, each with a lease of so many bytes.
func (s *Stages) each(ctx context.Context, n int, lease int64, do func(l *bufpool.Lease, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	g.Go(func() error {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range s.workers {
		g.Go(func() error {
			l, err := s.mem.Lease(ctx, lease+lease/4)
			if err != nil {
				return err
			}
			defer l.Close()
			for i := range next {
				if err := do(l, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// Held is pieces in memory. Its methods are not safe for concurrent use.
type Held struct {
	of    *Stages
	lease *bufpool.Lease
	bytes [][]byte // of the stages' first pieces
}

// share is the part of the budget that a Held takes at most: one in so many.
const share = 4

// Hold reads the first pieces, as many as fit into a quarter of the memory for buffers. Close gives it back. Errors: those of reading.
func (s *Stages) Hold(ctx context.Context) (*Held, error) {
	n, total := 0, int64(0)
	for ; n < len(s.pieces) && (n == 0 || total+s.pieces[n].Bytes() <= s.mem.Budget.Limit()/share); n++ {
		total += s.pieces[n].Bytes()
	}
	l, err := s.mem.Lease(ctx, total+total/4)
	if err != nil {
		return nil, err
	}
	h := &Held{of: s, lease: l, bytes: make([][]byte, n)}
	for i := range h.bytes {
		h.bytes[i] = l.Allocate(int(s.pieces[i].Bytes()))
		if err := s.pieces[i].Read(ctx, h.bytes[i]); err != nil {
			h.Close()
			return nil, err
		}
	}
	return h, nil
}

// Bytes is as of Stages.
func (h *Held) Bytes() (stored, elements int64) { return bytesOf(h.of.pieces[:len(h.bytes)]) }

// Decode undoes the filters of all of it, and keeps nothing. Errors: fault.DataLoss.
func (h *Held) Decode(ctx context.Context) error {
	need := int64(0)
	for i := range h.bytes {
		need = max(need, h.of.store.Need(h.of.pieces[i].Elements(), nil))
	}
	return h.of.each(ctx, len(h.bytes), need, func(l *bufpool.Lease, i int) error {
		scratch := store.NewScratch(ctx, l, nil)
		defer scratch.Release()
		return h.of.pieces[i].Decode(scratch, h.bytes[i])
	})
}

// Close gives the memory back.
func (h *Held) Close() {
	for _, b := range h.bytes {
		if b != nil {
			h.lease.Free(b)
		}
	}
	h.lease.Close()
}
