// Package secret reads and writes the files that security hangs on. Read and Trusted refuse files that others could have read or
// written; Write replaces one in a single step.
package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mtflight/mtflight/internal/fault"
)

const maxFile = 16 << 20

// Read gives the content of a file that only its owner, and its group at most by reading, may see: keys and hashes of passwords.
func Read(path string) ([]byte, error) {
	return read(path, 0o027, "only its owner and group may read it: chmod 600 %s")
}

// Trusted gives the content of a file that only its owner may write: certificates, hashes of tokens, rules.
func Trusted(path string) ([]byte, error) {
	return read(path, 0o022, "only its owner may write it: chmod 644 %s")
}

func read(path string, refused fs.FileMode, remedy string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // which does not wait for who writes into a pipe
	if err != nil {
		return nil, unread(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, unread(path, err)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Invalid, "%s: not a file", path)
	case info.Mode().Perm()&refused != 0:
		return nil, fault.New(fault.Denied, "%s has the permissions %04o: "+remedy, path, info.Mode().Perm(), path)
	case info.Size() > maxFile:
		return nil, fault.New(fault.Invalid, "%s: more than %d MiB", path, maxFile>>20)
	}
	content := make([]byte, info.Size())
	n, err := f.ReadAt(content, 0)
	if n < len(content) && err != nil {
		return nil, unread(path, err)
	}
	return content, nil
}

func unread(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	kind := fault.Invalid
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = fault.NotFound
	case errors.Is(err, fs.ErrPermission):
		kind = fault.Denied
	}
	return fault.New(kind, "%s cannot be read: %w", path, err)
}

// Write replaces a file, or makes it, so that a reader sees the old content or the new one, and nobody else but its owner any.
func Write(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".mtflight-") // mode 0600
	if err != nil {
		return fault.New(fault.Invalid, "%s cannot be written: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fault.New(fault.Invalid, "%s cannot be written: %w", path, err)
	}
	return nil
}
