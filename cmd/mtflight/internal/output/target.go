package output

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/mtflight/mtflight/internal/fault"
)

// Target is where the output goes: a file that appears under its name only when it is whole, or a stream.
type Target struct {
	io.Writer
	file *os.File // nil: standard output
	name string   // that the file gets in the end, "": it has it
}

// Open opens the output of a name; devices and pipes are written to as they are.
func Open(name string, stdout io.Writer) (*Target, error) {
	if name == "" || name == "-" {
		return &Target{Writer: pipe{bufio.NewWriter(stdout)}}, nil
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return nil, fault.New(fault.Invalid, "write %s: it is a directory: name a file in it", name)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, unwritable(name, err)
		}
		return &Target{Writer: pipe{bufio.NewWriter(f)}, file: f}, nil
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	f, err := os.OpenFile(partOf(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, unwritable(name, err)
	}
	t := &Target{Writer: f, file: f, name: name}
	if info != nil { // who may read what had the name may read what gets it
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return nil, t.Finish(err)
		}
	}
	return t, nil
}

// partOf is a name for what is not yet whole, beside it.
func partOf(name string) string {
	return filepath.Join(filepath.Dir(name), fmt.Sprintf(".mtflight.%016x", rand.Uint64()))
}

func unwritable(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "write %s: its directory is not there: make it first", name)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Denied, "write %s: not allowed: choose a directory that you may write to", name)
	}
	return fmt.Errorf("write %s: %w", name, errors.Unwrap(err))
}

// pipe hides that a stream could seek.
type pipe struct{ *bufio.Writer }

// Finish makes the output final, or takes it away where err says that it is not whole.
func (t *Target) Finish(err error) error {
	if p, ok := t.Writer.(pipe); ok {
		err = cmp.Or(err, p.Flush())
	}
	if t.file == nil {
		return err
	}
	err = cmp.Or(err, t.file.Close())
	if t.name == "" {
		return err
	}
	if err == nil {
		err = os.Rename(t.file.Name(), t.name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.file.Name()))
	}
	return nil
}
