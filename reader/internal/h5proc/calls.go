package h5proc

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// doer carries out a request: a Pool or InProcess.
type doer interface {
	do(ctx context.Context, q *request, dst []byte) (*response, error)
}

func tree(ctx context.Context, d doer, path string) (*meta.File, error) {
	r, err := d.do(ctx, &request{Op: opTree, Path: path}, nil)
	if err != nil {
		return nil, err
	}
	return r.File, nil
}

func dataset(ctx context.Context, d doer, path, name string) (meta.Dataset, error) {
	r, err := d.do(ctx, &request{Op: opDataset, Path: path, Name: name}, nil)
	if err != nil {
		return meta.Dataset{}, err
	}
	return r.Dataset, nil
}

func readSlab(ctx context.Context, d doer, path, name string, start, count []uint64, dst []byte) error {
	q := &request{Op: opSlab, Path: path, Name: name, Start: start, Count: count, Bytes: uint64(len(dst))}
	_, err := d.do(ctx, q, dst)
	return err
}

func undoes(ctx context.Context, d doer, id uint16) error {
	_, err := d.do(ctx, &request{Op: opFilter, Filter: id}, nil)
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

// Filter tells whether libhdf5 undoes a filter: see h5c.Filter. Errors: fault.Unsupported, also if helpers die of looking
// for the plug-in, the context's.
func (p *Pool) Filter(ctx context.Context, id uint16) error { return undoes(ctx, p, id) }
