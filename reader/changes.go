package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// settledTries is how often a file is asked again that changes meanwhile.
const settledTries = 6

// settled asks a file, and again in its new state where another one took its place meanwhile (libhdf5 saw that one), or
// where it looks damaged while somebody writes to it.
func settled[T any](ctx context.Context, f *File, ask func(*File) (T, error)) (T, error) {
	var none T
	for try := 0; ; try++ {
		answer, err := ask(f)
		if f.inPlace() && (fault.Of(err) != fault.DataLoss || f.disk.Unchanged()) {
			return answer, err
		}
		if try == settledTries {
			return none, fault.New(fault.Changed, "%s: the file changes too often to be read: ask again when its writer is done", f.loc.Name)
		}
		select {
		case <-time.After(10 * time.Millisecond << try):
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
		if f, err = f.eng.Open(ctx, f.loc); err != nil {
			return none, err
		}
	}
}

// now is what the path, by which libhdf5 opens the file, leads to; false if it is not this file any more.
func (f *File) now() (blockio.Identity, bool) {
	was := f.disk.Identity()
	now, err := blockio.Identify(f.loc.Path)
	return now, err == nil && now.Dev == was.Dev && now.Ino == was.Ino
}

// inPlace tells whether the path still leads to this file.
func (f *File) inPlace() bool {
	_, is := f.now()
	return is
}

// unchanged tells whether what was read of the file still holds: it is as it was opened, or only grows.
func (f *File) unchanged() bool {
	if f.disk.Unchanged() {
		return true
	}
	now, is := f.now()
	return f.live && is && now.Size >= f.disk.Identity().Size
}

// unchanged tells the same of a dataset, whose sources may have been found by the file's place.
func (d *Dataset) unchanged() bool {
	return d.file.unchanged() && (!d.virtual || d.file.inPlace())
}

// explained names the dataset in an error, and tells a damaged file from one that changes.
func (d *Dataset) explained(err error) error {
	kind := fault.Of(err)
	if kind == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if kind == fault.DataLoss && !d.file.disk.Unchanged() {
		kind = fault.Changed
		err = fmt.Errorf("the file changed while it was read: %w", err)
	}
	return fault.New(kind, "%s %s: %w", d.file.loc.Name, d.info.Path, err)
}
