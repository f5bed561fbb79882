package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// settledTries is how often a file is asked again that changes meanwhile.
const settledTries = 6

// settled asks a file, and again in its new state where another one took its place meanwhile (libhdf5 saw that one), or
// where it looks damaged or has become longer while somebody writes to it: what was told then may lie behind the end that is known.
func settled[T any](ctx context.Context, f *File, ask func(*File) (T, error)) (T, error) {
	var none T
	for try := 0; ; try++ {
		lost := f.disk.Lane().Lost()
		answer, err := ask(f)
		in := f.inPlace()
		if f.disk.Lane().Lost() != lost { // it may lack what its disk did not tell
			return none, f.silent(err)
		}
		if in && (fault.Of(err) != fault.DataLoss || f.disk.Unchanged()) && (try == settledTries || !f.outgrown()) {
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

// silent is the error of what a disk that did not answer leaves unknown.
func (f *File) silent(err error) error {
	if err == nil || fault.Of(err) != fault.Unavailable {
		err = fault.New(fault.Unavailable, "%s: its disk or store did not answer: ask again when it does", f.loc.Name)
	}
	return err
}

// now is what the path, by which libhdf5 opens the file, leads to; false if it is not this file any more.
func (f *File) now() (blockio.Identity, bool) {
	was := f.disk.Identity()
	now, err := location.Now(context.Background(), f.eng.disks, f.loc, f.disk)
	if fault.Of(err) == fault.Unavailable {
		f.disk.Lane().Lose()
	}
	return now, err == nil && now.Dev == was.Dev && now.Ino == was.Ino
}

// inPlace tells whether the path still leads to this file.
func (f *File) inPlace() bool {
	_, is := f.now()
	return is
}

// outgrown tells whether the file, open for SWMR, is longer by now than when it was opened.
func (f *File) outgrown() bool {
	if !f.live {
		return false
	}
	now, is := f.now()
	return is && now.Size > f.disk.Identity().Size
}

// unchanged tells whether what was read of a dataset still holds: its file is as it was opened, or the writer lets others read
// while it grows (SWMR). Sources may have been found by the file's place.
func (d *Dataset) unchanged() bool {
	same := d.file.version.Holds() || d.file.live && d.file.version.Grows() && d.remains()
	return same && (!d.virtual || d.file.inPlace())
}

// remains tells whether a dataset that is written to is the same one, which may only have grown.
func (d *Dataset) remains() bool {
	if d.object == nil {
		return false
	}
	for range settledTries { // a header that is just being written is damaged
		if o, err := chunkindex.Open(d.file.h5, d.meta.Addr); err == nil {
			return o.GrownFrom(d.object)
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// note keeps a sample of what the dataset is found by, for unchanged to compare.
func (d *Dataset) note() {
	if d.object == nil {
		d.file.version.Note()
	} else {
		d.file.version.Note(d.file.h5.Places(d.meta.Addr, d.object.Layout.IndexAt())...)
	}
}

// explained names the dataset in an error, and tells a damaged file from one that changes.
func (d *Dataset) explained(err error) error {
	kind := fault.Of(err)
	if kind == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if kind == fault.Changed && d.file.disk.Lane().Losing() { // or so it looked
		return d.file.silent(err)
	}
	if kind == fault.DataLoss && !d.file.disk.Unchanged() {
		kind = fault.Changed
		err = fmt.Errorf("the file changed while it was read: %w", err)
	}
	return fault.New(kind, "%s %s: %w", d.file.loc.Name, d.info.Path, err)
}
