package h5proc

import (
	"context"
	"os"

	"github.com/mtflight/mtflight/reader/internal/h5c"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// InProcess asks libhdf5 in this very process: no limits, and a crash of the library is a crash of the program. For
// programs that trust their files. The zero value works.
type InProcess struct{}

// NewInProcess has plug-ins loaded as Config.Plugins says, from now on in the whole process.
func NewInProcess(plugins []string) *InProcess {
	h5c.Admit(h5c.Trust{User: os.Geteuid(), Hashes: plugins})
	return &InProcess{}
}

func (p *InProcess) ask(ctx context.Context, f File, q *request, dst []byte) (*response, error) {
	if err := ctx.Err(); err != nil {
		return &response{}, err
	}
	return answer(ctx, f.Disk, q, dst)
}

// Tree is Pool.Tree.
func (p *InProcess) Tree(ctx context.Context, f File) (*meta.File, error) {
	return tree(ctx, p, f)
}

// Dataset is Pool.Dataset.
func (p *InProcess) Dataset(ctx context.Context, f File, name string) (meta.Dataset, error) {
	return dataset(ctx, p, f, name)
}

// ReadSlab is Pool.ReadSlab.
func (p *InProcess) ReadSlab(ctx context.Context, f File, name string, start, count []uint64, dst []byte) error {
	return readSlab(ctx, p, f, name, start, count, dst)
}

// Counts are none: there is no process.
func (p *InProcess) Counts() Counts { return Counts{} }

// Find is Filters.Find.
func (p *InProcess) Find(ctx context.Context, filter uint16) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return h5c.FindPlugin(filter)
}

// Undo is Filters.Undo.
func (p *InProcess) Undo(ctx context.Context, c Chunks) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rest, undone, failed := c.Out(c.Most*len(c.Bytes)), make([][]byte, len(c.Bytes)), error(nil)
	for i, b := range c.Bytes {
		lengths := []uint64{uint64(len(b))}
		_, err := h5c.Undo(h5c.Chunks{Filter: c.Filter, Optional: c.Optional, Params: c.Params, Src: b, Lengths: lengths}, rest, c.Most)
		if err != nil {
			failed = err
			continue
		}
		n := lengths[0]
		undone[i], rest = rest[:n:n], rest[n:]
	}
	if len(c.Bytes) > 1 {
		failed = nil
	}
	return undone, failed
}

// Close does nothing: no file stays open.
func (p *InProcess) Close() error { return nil }
