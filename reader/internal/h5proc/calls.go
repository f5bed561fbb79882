package h5proc

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Pool asks libhdf5 about files in helper processes that load no plug-in. Each is started for one call and gets a
// descriptor of its one file: it holds nothing of a file while nobody asks.
type Pool struct{ *pool }

// New makes a pool without starting a process yet. Close it.
func New(cfg Config) *Pool { return &Pool{newPool(cfg, witnessRole, slabShared)} }

// WitnessBytes is what a witness takes itself, with what libhdf5 keeps of a file's metadata.
const WitnessBytes = 4 << 20

// File is an open file that libhdf5 is asked about.
type File struct {
	Disk  *os.File // opened read-only; its descriptor is all that a helper gets of the file
	State any      // comparable: after two deaths of helpers nothing more is asked about it
	Name  string   // in the log and in errors
}

// asker carries out a request: a Pool or InProcess.
type asker interface {
	ask(ctx context.Context, f File, q *request, dst []byte) (*response, error)
}

func tree(ctx context.Context, a asker, f File) (*meta.File, error) {
	r, err := a.ask(ctx, f, &request{Op: opTree}, nil)
	if err != nil {
		return nil, err
	}
	return r.File, nil
}

func dataset(ctx context.Context, a asker, f File, name string) (meta.Dataset, error) {
	r, err := a.ask(ctx, f, &request{Op: opDataset, Name: name}, nil)
	if err != nil {
		return meta.Dataset{}, err
	}
	return r.Dataset, nil
}

func readSlab(ctx context.Context, a asker, f File, name string, start, count []uint64, dst []byte) error {
	q := &request{Op: opSlab, Name: name, Start: start, Count: count, Bytes: uint64(len(dst))}
	_, err := a.ask(ctx, f, q, dst)
	return err
}

// Tree lists a file: see h5c.File.Tree. Errors: fault.DataLoss, the context's.
func (p *Pool) Tree(ctx context.Context, f File) (*meta.File, error) { return tree(ctx, p, f) }

// Dataset describes one dataset: see h5c.File.Dataset. Errors: fault.NotFound, fault.DataLoss, the context's.
func (p *Pool) Dataset(ctx context.Context, f File, name string) (meta.Dataset, error) {
	return dataset(ctx, p, f, name)
}

// ReadSlab fills dst with a hyperslab: see h5c.File.ReadSlab. At most 1 GiB and a
// quarter of the memory limit, else fault.Exhausted. After an error dst holds anything.
func (p *Pool) ReadSlab(ctx context.Context, f File, name string, start, count []uint64, dst []byte) error {
	return readSlab(ctx, p, f, name, start, count, dst)
}

func (p *Pool) ask(ctx context.Context, f File, q *request, dst []byte) (*response, error) {
	if most := min(maxSlab, uint64(p.cfg.MemoryLimit)/4); q.Bytes > most {
		return nil, fault.New(fault.Exhausted, "h5proc: a slab of %d bytes, at most %d: read it in parts", q.Bytes, most)
	}
	frame, err := encodeFrame(q, maxRequest)
	if err != nil {
		return nil, err
	}
	if p.cfg.Budget != nil && q.Op != opSlab { // who asks for a slab has it reserved, with what the slab takes
		if err := p.cfg.Budget.AcquireSmall(ctx, WitnessBytes); err != nil {
			return nil, err
		}
		defer p.cfg.Budget.Return(WitnessBytes)
	}
	c := &question{request: q, file: f, frame: frame, dst: dst}
	if err := p.do(ctx, f.State, c); err != nil {
		return nil, err
	}
	return c.response, c.response.err()
}

// question is a request to a witness, and where its slab goes.
type question struct {
	*request
	file       File
	frame, dst []byte
	response   *response
}

func (q *question) subject() string { return q.file.Name }

func (q *question) disk() *os.File { return q.file.Disk }

func (q *question) fits(*helper) bool { return false } // it has another file

func (q *question) keeps() bool { return false }

func (q *question) once() bool { return false }

func (q *question) send(h *helper) error {
	_, err := h.In.Write(q.frame)
	return err
}

func (q *question) receive(h *helper) (err error) {
	r := &response{}
	if err := readFrame(h.Out, r, maxResponse); err != nil {
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
		_, err = io.ReadFull(h.Out, q.dst)
	}
	q.response = r
	return err
}

func (q *question) died(how string) error {
	return fault.New(fault.DataLoss, "h5proc: %s: a helper process died on this file (%s)", q.subject(), how)
}

func (q *question) late(how string) error {
	return fault.New(fault.Unavailable, "h5proc: %s: libhdf5 has not answered about this file (%s): its disk may not answer: ask again later", q.subject(), how)
}

func (q *question) refused() error {
	return fault.New(fault.DataLoss, "h5proc: %s: helper processes died on this file; it is refused until it changes", q.subject())
}
