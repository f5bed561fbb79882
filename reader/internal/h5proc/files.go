package h5proc

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/h5c"
)

// identity tells one state of a file from another.
type identity struct {
	dev, ino uint64
	size     int64
	changed  time.Time
}

func identify(path string) (identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return identity{}, fault.New(fault.NotFound, "h5proc: open %s: %w", spell.Escape(filepath.Base(path)), reason(err))
	}
	if !info.Mode().IsRegular() { // a FIFO would block libhdf5 for ever
		return identity{}, fault.New(fault.NotFound, "h5proc: open %s: not a regular file", spell.Escape(filepath.Base(path)))
	}
	id := identity{size: info.Size(), changed: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id.dev, id.ino = uint64(st.Dev), st.Ino
	}
	return id, nil
}

// reason leaves the path out of an error.
func reason(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

const (
	maxOpen = 8
	// settled: a file that changed later than this may change again within one tick of its time stamp.
	settled = 2 * time.Second
)

type openFile struct {
	path string
	id   identity
	file *h5c.File
}

// files keeps the files used last open, most recent first; not for several goroutines.
type files struct {
	open []openFile
}

// use opens a file, or finds it open and unchanged.
func (c *files) use(path string) (*h5c.File, error) {
	id, err := identify(path)
	if err != nil {
		return nil, err
	}
	for i, o := range c.open {
		if o.path != path {
			continue
		}
		c.open = append(c.open[:i], c.open[i+1:]...)
		if o.id == id && time.Since(id.changed) > settled {
			c.open = append([]openFile{o}, c.open...)
			return o.file, nil
		}
		o.file.Close()
		break
	}
	f, err := h5c.Open(path)
	if err != nil {
		return nil, err
	}
	c.open = append([]openFile{{path, id, f}}, c.open...)
	if len(c.open) > maxOpen {
		c.open[maxOpen].file.Close()
		c.open = c.open[:maxOpen]
	}
	return f, nil
}

func (c *files) close() {
	for _, o := range c.open {
		o.file.Close()
	}
	c.open = nil
}

// answer carries out a request; dst is where a slab goes.
func (c *files) answer(ctx context.Context, q *request, dst []byte) (*response, error) {
	f, err := c.use(q.Path)
	if err != nil {
		return &response{}, err
	}
	r := &response{}
	switch q.Op {
	case opTree:
		r.File, err = f.Tree(ctx)
	case opDataset:
		r.Dataset, err = f.Dataset(q.Name)
	case opSlab:
		err = f.ReadSlab(q.Name, q.Start, q.Count, dst)
	default:
		err = fmt.Errorf("h5proc: operation %d", q.Op)
	}
	return r, err
}
