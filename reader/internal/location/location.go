package location

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
)

// Location is a file on disk.
type Location struct {
	Path   string                   // on this machine's disk
	Name   string                   // what messages and schema metadata call it, spelled (package spell); default: Path's spelling
	Inside func(disk string) bool   // whether a path that a link leads to may be opened; nil: any
	Store  *objectstore.Root        // that Path is a place of; nil: it is on disk
	NameOf func(disk string) string // what messages call such a path; nil: its base name
	// Open opens a path, in which no link is left, for reading, without waiting; nil: any. One that leads out of the roots by now
	// is not there (fs.ErrNotExist).
	Open func(disk string) (*os.File, error)
	// May tells whether whom the context's call is for may read what is at a path, links followed, be there anything or not; nil: yes.
	// It is asked whenever another file is used, also where that is known already.
	May func(ctx context.Context, disk string) bool
}

// Beside is the location of another file that this one names, if it may be opened.
func (l Location) Beside(ctx context.Context, name string) (Location, error) {
	disk, err := l.Sibling(ctx, name)
	if err != nil {
		return l, err
	}
	l.Name = l.DisplayName(disk)
	l.Path = disk
	return l, nil
}

// may asks about a path as it was named, and notes that.
func (l Location) may(ctx context.Context, disk string) bool {
	if l.May == nil {
		return true
	}
	place := disk
	if l.Store == nil {
		folder, rest := followed(disk)
		place = filepath.Join(folder, rest)
	}
	note(ctx, place)
	return l.May(ctx, place)
}

// DisplayName is what messages call a path that a link leads to.
func (l Location) DisplayName(disk string) string {
	if l.NameOf != nil {
		return l.NameOf(disk)
	}
	return Base(disk)
}

// Base is the last part of a path on disk.
func Base(disk string) string { return spell.Escape(filepath.Base(disk)) }

// maxLinks bounds links that lead to links, as Linux does.
const maxLinks = 40

// outside is of what may not be opened. Its words are those for what is not there: what there is elsewhere is nobody's business.
type outside struct{ name string }

func (o outside) Error() string { return absent(o.name) }

func absent(name string) string {
	return "no such file " + Base(name) + ": it is not there, or outside what is served"
}

// Sibling is the place of a file that this one names, if it may be opened.
func (l Location) Sibling(ctx context.Context, name string) (string, error) {
	if l.Store != nil {
		return l.stored(ctx, name)
	}
	disk := l.beside(name)
	if !l.may(ctx, disk) {
		return "", fault.New(fault.NotFound, "%w", outside{name})
	}
	real, err := filepath.EvalSymlinks(disk)
	switch {
	case unknown(err): // whether there is something
		return "", fault.New(fault.Unavailable, "%s cannot be looked for: %s: ask again when its disk answers", Base(name), Cause(err))
	case err != nil && l.wouldServe(disk):
		return "", fault.New(fault.NotFound, "%s", absent(name))
	case err != nil || l.Inside != nil && !l.Inside(real):
		return "", fault.New(fault.NotFound, "%w", outside{name})
	}
	return real, nil
}

// unknown tells an error that says nothing about what is there.
func unknown(err error) bool {
	told := []error{fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL}
	is := func(e error) bool { return errors.Is(err, e) }
	var of syscall.Errno
	return errors.As(err, &of) && !slices.ContainsFunc(told, is)
}

// beside is where a name that this file has for another one leads to.
func (l Location) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(l.Path), name)
}

// MayOpen checks that a virtual source may be opened. One that is not there is judged by its folder.
func (l Location) MayOpen(ctx context.Context, name string) error {
	if name == "." || l.Inside == nil {
		return nil
	}
	disk := l.beside(name)
	if !l.may(ctx, disk) { // before the disk is looked at, which would tell what is there
		return fault.New(fault.NotFound, "virtual source: %w", outside{name})
	}
	within := l.Inside(disk)
	if l.Store == nil && !within {
		_, err := filepath.EvalSymlinks(disk)
		within = err != nil && l.wouldServe(disk)
	}
	if !within {
		return fault.New(fault.Unsupported, "virtual source %s lies outside what is served", Base(name))
	}
	return nil
}

// wouldServe tells whether what is not there would be served if it were.
func (l Location) wouldServe(disk string) bool {
	if l.Inside == nil {
		return true
	}
	folder := existing(disk)
	return folder == existing(filepath.Dir(l.Path)) || l.Inside(folder) // no root holds itself
}

// existing is the longest part of a path that leads to something, links followed, those too that lead to nothing.
func existing(path string) string {
	real, _ := followed(path)
	return real
}

// followed is existing, with the rest of the path.
func followed(path string) (real, rest string) {
	for links := 0; ; {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real, rest
		}
		target, err := os.Readlink(path)
		if err != nil || links == maxLinks {
			rest = filepath.Join(filepath.Base(path), rest)
			path = filepath.Dir(path)
			continue
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path, links = target, links+1
	}
}

// Absent tells what is not there from what may not be opened.
func Absent(err error) bool {
	return fault.Of(err) == fault.NotFound && !errors.As(err, &outside{})
}

// Unopened is why the file at a location could not be opened, in words for who asked for it.
func Unopened(loc Location, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "no such file %s", loc.Name)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fault.New(fault.Denied, "%s: cannot be opened: %s: make it readable", loc.Name, Cause(err))
	}
	if k := fault.Of(err); k != nil {
		return fault.New(k, "%s: %w", loc.Name, err)
	}
	return fault.New(fault.DataLoss, "%s: cannot be opened: %s", loc.Name, Cause(err))
}

// Cause is an error of the operating system without the path.
func Cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
