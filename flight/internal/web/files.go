package web

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

// files are answers that clients read in parts, nameless in TMPDIR, so that nothing is left of them whatever happens. Each is made
// once for all who ask for its tag, and kept for some minutes. Safe for concurrent use.
type files struct {
	most int64
	mu   sync.Mutex
	used int64
	kept map[string]*kept
}

// kept is one answer. file and size are there once ready is closed, if err is nil.
type kept struct {
	file  *os.File
	size  int64
	made  time.Time
	err   error
	ready chan struct{}
	owner *files
	tag   string
	users int
	timer *time.Timer
}

const keepFor = 3 * time.Minute

func newFiles(most int64) *files { return &files{most: most, kept: map[string]*kept{}} }

// get gives the answer of a tag, which write makes if nobody did, or one without a tag for the caller alone, who calls done once.
func (f *files) get(ctx context.Context, tag string, write func(io.Writer) error) (*kept, error) {
	k, first := f.join(tag)
	if first {
		k.err = k.make(write)
		if k.err != nil {
			f.forget(k)
		}
		close(k.ready)
	}
	select {
	case <-k.ready:
	case <-ctx.Done():
		k.done()
		return nil, context.Cause(ctx)
	}
	if k.err != nil {
		k.done()
		return nil, told(ctx, k.err, first)
	}
	return k, nil
}

// told is an error to who waited for another client, which may have left.
func told(ctx context.Context, err error, first bool) error {
	if !first && errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return fault.New(fault.Unavailable, "another client asked for the same and left: ask again")
	}
	return err
}

func (f *files) join(tag string) (k *kept, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k = f.kept[tag]
	if first = k == nil; first {
		k = &kept{owner: f, tag: tag, ready: make(chan struct{}), made: time.Now()}
	}
	if tag != "" {
		f.kept[tag] = k
	}
	k.users++
	if k.timer != nil {
		k.timer.Stop()
	}
	return k, first
}

// make writes the file, as long as there is room.
func (k *kept) make(write func(io.Writer) error) (err error) {
	if k.file, err = os.CreateTemp("", "mtflight-*"); err != nil {
		return fault.New(fault.Exhausted, "no room for a file that is read in parts: %w: ask for format=arrow", err)
	}
	if err := os.Remove(k.file.Name()); err != nil {
		return err
	}
	return write(k)
}

// Write is io.Writer into the file.
func (k *kept) Write(p []byte) (int, error) {
	if !k.owner.take(int64(len(p))) {
		return 0, fault.New(fault.Exhausted, "as Parquet this is %w for the %d MB that are kept here: ask for fewer rows (limit), or for format=arrow, which has no bound",
			errTooLarge, k.owner.most>>20)
	}
	k.size += int64(len(p))
	n, err := k.file.Write(p)
	if err != nil {
		err = fault.New(fault.Exhausted, "no room for a file that is read in parts: %w: ask for format=arrow", err)
	}
	return n, err
}

// take has n bytes more kept, for which others have to go that nobody reads.
func (f *files) take(n int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.kept {
		if f.used+n <= f.most {
			break
		}
		if k.users == 0 {
			f.drop(k)
		}
	}
	if f.used+n > f.most {
		return false
	}
	f.used += n
	return true
}

// done ends a use. The last one's file is kept for a while.
func (k *kept) done() {
	f := k.owner
	f.mu.Lock()
	defer f.mu.Unlock()
	if k.users--; k.users > 0 {
		return
	}
	if f.kept[k.tag] != k {
		f.drop(k)
		return
	}
	k.timer = time.AfterFunc(keepFor, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if k.users == 0 {
			f.drop(k)
		}
	})
}

// forget has nobody else find an answer.
func (f *files) forget(k *kept) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, k.tag)
}

// drop frees an answer that nobody uses. The lock is held.
func (f *files) drop(k *kept) {
	if f.kept[k.tag] == k {
		delete(f.kept, k.tag)
	}
	if k.timer != nil {
		k.timer.Stop()
	}
	if k.file != nil {
		_ = k.file.Close() // it has no name: nothing is left
		k.file, f.used = nil, f.used-k.size
	}
}

func (f *files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.kept {
		f.drop(k)
	}
	return nil
}
