// Package index is `mtflight index`: it has an engine learn all there is of files, several at once, and keep it in its index directory.
package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/find"
	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// together is how many files are read at once: one waits for the disk while others are decoded.
const together = 4

// job is one run of the command.
type job struct {
	engine *reader.Engine
	stats  bool
	errOut io.Writer
	bar    *progressbar.ProgressBar

	mu                     sync.Mutex
	indexed, known, failed int
	first                  error // of those that failed
}

// found is a file and its size.
type found struct {
	at   reader.Location
	size int64
}

func (f found) name() string { return cmp.Or(f.at.Name, spell.Escape(f.at.Path)) }

func (j *job) run(ctx context.Context, roots []string) error {
	var files []found
	total := int64(0)
	for _, root := range roots {
		if err := j.find(ctx, root, func(f found) { files, total = append(files, f), total+f.size }); err != nil {
			return err
		}
	}
	j.bar = newBar(j.errOut, total)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(together)
	for _, f := range files {
		g.Go(func() error { return j.done(ctx, f, j.file(ctx, f)) })
	}
	err := g.Wait()
	_ = j.bar.Finish() // a terminal that can't be written to is no reason to fail
	return cmp.Or(err, j.first)
}

// find visits the HDF5 files below a directory or the address of a store, or the one that is named.
func (j *job) find(ctx context.Context, root string, visit func(found)) error {
	if objectstore.Is(root) {
		return find.Stored(ctx, j.engine.Disks(), root, func(at reader.Location, size int64) error {
			visit(found{at, size})
			return ctx.Err()
		})
	}
	root = spell.Unescape(root)
	info, err := os.Stat(root)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "%s: no such file or directory: check the path", spell.Escape(root))
	}
	if err != nil {
		return fault.New(fault.Denied, "%w", err)
	}
	if !info.IsDir() {
		visit(found{reader.Location{Path: root}, info.Size()})
		return nil
	}
	return find.Below(ctx, root, func(name string, size int64, err error) error {
		if err != nil {
			return j.failure(ctx, spell.Escape(name), err)
		}
		visit(found{reader.Location{Path: name}, size})
		return ctx.Err()
	})
}

// failure tells what is wrong with a file; the others can be indexed.
func (j *job) failure(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed++
	j.first = cmp.Or(j.first, err)
	_, werr := fmt.Fprintf(j.errOut, "%s: %s\n", name, flight.Reason(ctx, err))
	return werr
}

var errKnown = errors.New("nothing new")

// done counts a file.
func (j *job) done(ctx context.Context, f found, err error) error {
	if err != nil && !errors.Is(err, errKnown) {
		return j.failure(ctx, f.name(), err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.indexed++
	} else {
		j.known++
	}
	return nil
}

// file learns one file; errKnown if all of it is known.
func (j *job) file(ctx context.Context, of found) error {
	shown := int64(0)
	show := func(bytes int64) {
		_ = j.bar.Add64(min(bytes, of.size) - shown)
		shown = min(bytes, of.size)
	}
	defer func() { show(of.size) }()
	if of.at.Store == nil { // an object's ETag tells each change
		if err := rested(ctx, of.at.Path); err != nil {
			return err
		}
	}
	f, err := j.engine.Open(ctx, of.at)
	if err != nil {
		return err
	}
	if f.Indexed(j.stats) {
		return errKnown
	}
	tree, err := f.Tree(ctx)
	if err != nil {
		return err
	}
	var bad error
	at, all := int64(0), int64(1)
	for _, d := range tree.Datasets {
		all += max(int64(d.Bytes), 0)
	}
	for _, d := range tree.Datasets {
		err := j.dataset(ctx, f, d, func(share float64) {
			show(int64((float64(at) + share*float64(d.Bytes)) / float64(all) * float64(of.size)))
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		bad = cmp.Or(bad, err)
		at += max(int64(d.Bytes), 0)
	}
	if bad != nil { // what was learned is kept when the engine ends
		return bad
	}
	return f.KeepIndex(j.stats)
}

// rest is how long a file has to be left alone until what is learned of it is kept: sooner another change might leave no trace.
const rest = 2 * time.Second

// rested waits until a file that was written just now has been left alone for so long. What is wrong with it who opens it says.
func rested(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	changed := time.Unix(0, info.Sys().(*syscall.Stat_t).Ctim.Nano())
	select {
	case <-time.After(min(rest, time.Until(changed.Add(rest)))):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// dataset learns one dataset. What is not served, or has no order, has nothing to learn.
func (j *job) dataset(ctx context.Context, f *reader.File, info reader.Info, show func(share float64)) error {
	d, err := f.Dataset(ctx, info.Path)
	if err != nil || d.Info().Kind == "unsupported" {
		return served(err)
	}
	if _, _, err := d.Storage(); err != nil {
		return err
	}
	elsewhere := info.Layout == "virtual" || info.Layout == "external" // whose values may change without this file
	if !j.stats || elsewhere || reader.Hidden(info.Path) {
		return nil
	}
	_, err = d.Stats(ctx, nil, func(c reader.ChunkStats) error {
		if info.Rows > 0 {
			show(float64(c.Stop) / float64(info.Rows))
		}
		return nil
	})
	return served(err)
}

// served is an error, unless it is of what is not served.
func served(err error) error {
	if k := fault.Of(err); k == fault.Unsupported || k == fault.NotFound {
		return nil
	}
	return err
}
