package indexdir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/secret"
)

// Dir is the directory.
type Dir struct{ path string }

// Kind is what a file of the directory holds.
type Kind string

// The kinds.
const (
	Chunks Kind = "chunks" // chunk indexes, by the address of the dataset's object
	Values Kind = "values" // statistics, by that and the number of the column
)

const (
	temporary  = ".tmp-"
	swept      = ".swept"
	sweepEvery = 24 * time.Hour
)

// OpenDir makes a directory of mode 0700, or takes one that only this user may write to: who can write there decides
// which rows a condition finds. Once a day, what it has of files that are gone is removed. Errors: fault.Precondition, fault.Denied.
func OpenDir(path string) (*Dir, error) {
	if err := secret.Dir(path, "index-dir"); err != nil {
		return nil, err
	}
	d := &Dir{path}
	mark := filepath.Join(path, swept)
	if last, err := os.Stat(mark); err != nil || time.Since(last.ModTime()) > sweepEvery {
		d.sweep()
		_ = os.Remove(mark)
		_ = os.WriteFile(mark, nil, 0o600)
	}
	return d, nil
}

// sweep removes what is of no use any more. What cannot be removed is left.
func (d *Dir) sweep() {
	entries, _ := os.ReadDir(d.path)
	for _, e := range entries {
		name := filepath.Join(d.path, e.Name())
		kind, _ := strings.CutPrefix(filepath.Ext(name), ".")
		switch {
		case strings.HasPrefix(e.Name(), temporary):
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(name)
			}
		case Kind(kind) == Chunks || Kind(kind) == Values:
			if of := about(name); of != "" && d.name(Kind(kind), of) == name {
				if _, err := os.Stat(of); errors.Is(err, fs.ErrNotExist) {
					_ = os.Remove(name)
				}
			}
		}
	}
}

// about is the path of the HDF5 file that a file is about; "" for others.
func about(name string) string {
	f, _, err := open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	k, _ := readKey(f)
	return k.Path
}

// open gives regular files only, and never waits.
func open(name string) (*os.File, int64, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		return f, info.Size(), nil
	}
	return nil, 0, errors.Join(err, f.Close(), errDamaged)
}

func (d *Dir) name(kind Kind, path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(d.path, hex.EncodeToString(sum[:16])+"."+string(kind))
}

// Drop removes what is kept of the file at a path.
func (d *Dir) Drop(path string) {
	_ = os.Remove(d.name(Chunks, path))
	_ = os.Remove(d.name(Values, path))
}

// Read gives a section of what is kept of a file in its present state, at most so many bytes; nil if it is not there, or damaged.
// What is of another state is removed.
func (d *Dir) Read(kind Kind, k Key, id ID, most int64) []byte {
	f, t := d.open(kind, k)
	if t == nil {
		return nil
	}
	defer f.Close()
	b, err := t.read(f, id, most)
	if err != nil {
		return nil
	}
	return b
}

// open gives a file of the present state of an HDF5 file, with its table; nil if there is none.
func (d *Dir) open(kind Kind, k Key) (*os.File, *table) {
	name := d.name(kind, k.Path)
	f, size, err := open(name)
	if err != nil {
		return nil, nil
	}
	t, err := readTable(f, size)
	if err == nil && t.key == k {
		return f, t
	}
	f.Close()
	if err == nil {
		_ = os.Remove(name)
	}
	return nil, nil
}

// Has tells whether there is a section, unless it is damaged.
func (d *Dir) Has(kind Kind, k Key, id ID) bool {
	f, t := d.open(kind, k)
	if t == nil {
		return false
	}
	defer f.Close()
	_, has := t.find(id)
	return has
}

// Write keeps sections beside those that are there of the same state and have other names.
func (d *Dir) Write(kind Kind, k Key, sections []Section) (err error) {
	old, t := d.open(kind, k)
	if t != nil {
		defer old.Close()
	}
	f, err := os.CreateTemp(d.path, temporary)
	if err != nil {
		return err
	}
	err = write(f, k, sections, old, t)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), d.name(kind, k.Path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
