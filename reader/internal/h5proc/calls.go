package h5proc

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Pool asks libhdf5 about files in helper processes, started when needed, that load no plug-in.
type Pool struct{ *pool }

// New makes a pool without starting a process yet. Close it.
func New(cfg Config) *Pool { return &Pool{newPool(cfg, witnessRole, slabShared)} }

// asker carries out a request: a Pool or InProcess.
type asker interface {
	ask(ctx context.Context, q *request, dst []byte) (*response, error)
}

func tree(ctx context.Context, a asker, path string) (*meta.File, error) {
	r, err := a.ask(ctx, &request{Op: opTree, Path: path}, nil)
	if err != nil {
		return nil, err
	}
	return r.File, nil
}

func dataset(ctx context.Context, a asker, path, name string) (meta.Dataset, error) {
	r, err := a.ask(ctx, &request{Op: opDataset, Path: path, Name: name}, nil)
	if err != nil {
		return meta.Dataset{}, err
	}
	return r.Dataset, nil
}

func readSlab(ctx context.Context, a asker, path, name string, start, count []uint64, dst []byte) error {
	q := &request{Op: opSlab, Path: path, Name: name, Start: start, Count: count, Bytes: uint64(len(dst))}
	_, err := a.ask(ctx, q, dst)
	return err
}

// Tree lists a file: see h5c.File.Tree. Errors: fault.NotFound, fault.DataLoss, the context's.
func (p *Pool) Tree(ctx context.Context, path string) (*meta.File, error) { return tree(ctx, p, path) }

// Dataset describes one dataset: see h5c.File.Dataset. Errors: fault.NotFound, fault.DataLoss, the context's.
func (p *Pool) Dataset(ctx context.Context, path, name string) (meta.Dataset, error) {
	return dataset(ctx, p, path, name)
}

// ReadSlab fills dst with a hyperslab: see h5c.File.ReadSlab. At most 1 GiB and a
// quarter of the memory limit, else fault.Exhausted. After an error dst holds anything.
func (p *Pool) ReadSlab(ctx context.Context, path, name string, start, count []uint64, dst []byte) error {
	return readSlab(ctx, p, path, name, start, count, dst)
}

func (p *Pool) ask(ctx context.Context, q *request, dst []byte) (*response, error) {
	id, err := p.prepare(q)
	if err != nil {
		return nil, err
	}
	c := &question{request: q, dst: dst}
	if c.frame, err = encodeFrame(q, maxRequest); err != nil {
		return nil, err
	}
	if err := p.do(ctx, id, c); err != nil {
		return nil, err
	}
	return c.response, c.response.err()
}

// prepare identifies the file and bounds the request.
func (p *Pool) prepare(q *request) (id identity, err error) {
	if q.Path, err = filepath.Abs(q.Path); err != nil {
		return id, err
	}
	if id, err = identify(q.Path); err != nil {
		return id, err
	}
	if most := min(maxSlab, uint64(p.cfg.MemoryLimit)/4); q.Bytes > most {
		return id, fault.New(fault.Exhausted, "h5proc: a slab of %d bytes, at most %d: read it in parts", q.Bytes, most)
	}
	return id, nil
}

// question is a request to a witness, and where its slab goes.
type question struct {
	*request
	frame, dst []byte
	response   *response
}

func (q *question) subject() string { return spell.Escape(filepath.Base(q.Path)) }

func (q *question) fits(*helper) bool { return true }

func (q *question) once() bool { return false }

func (q *question) send(h *helper) error {
	_, err := h.in.Write(q.frame)
	return err
}

func (q *question) receive(h *helper) (err error) {
	r := &response{}
	if err := readFrame(h.out, r, maxResponse); err != nil {
		return err
	}
	if r.Kind == 0 && (q.Op == opTree) != (r.File != nil) {
		return fmt.Errorf("%w: no tree", errFrame)
	}
	switch {
	case q.Op != opSlab || r.Kind != 0:
	case len(q.dst) <= len(h.shared):
		copy(q.dst, h.shared)
	default:
		_, err = io.ReadFull(h.out, q.dst)
	}
	q.response = r
	return err
}

func (q *question) died(how string) error {
	return fault.New(fault.DataLoss, "h5proc: %s: a helper process died on this file (%s)", q.subject(), how)
}

func (q *question) refused() error {
	return fault.New(fault.DataLoss, "h5proc: %s: helper processes died on this file; it is refused until it changes", q.subject())
}
