package location

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// Location is a file on disk.
type Location struct {
	Path   string                   // on this machine's disk
	Name   string                   // what messages and schema metadata call it, spelled (package spell); default: Path's spelling
	Inside func(disk string) bool   // whether a path that a link leads to may be opened; nil: any
	NameOf func(disk string) string // what messages call such a path; nil: its base name
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

// errOutside tells what may not be opened from what is not there.
var errOutside = errors.New("lies outside what is served")

// Sibling is the place of a file that this one names, if it may be opened.
func (l Location) Sibling(name string) (string, error) {
	disk := name
	if !filepath.IsAbs(name) {
		disk = filepath.Join(filepath.Dir(l.Path), name)
	}
	real, err := filepath.EvalSymlinks(disk)
	if err != nil {
		return "", fault.New(fault.NotFound, "no such file %s", Base(name))
	}
	if l.Inside != nil && !l.Inside(real) {
		return "", fault.New(fault.NotFound, "%s %w", Base(name), errOutside)
	}
	return real, nil
}

// MayOpen checks that a virtual source may be opened. One that is not there is judged by its folder.
func (l Location) MayOpen(name string) error {
	if name == "." || l.Inside == nil {
		return nil
	}
	own := filepath.Dir(l.Path)
	disk := name
	if !filepath.IsAbs(disk) {
		disk = filepath.Join(own, disk)
	}
	if _, err := filepath.EvalSymlinks(disk); err != nil {
		if disk = existing(disk); disk == existing(own) { // no root holds itself
			return nil
		}
	}
	if !l.Inside(disk) {
		return fault.New(fault.Unsupported, "virtual source %s %w", Base(name), errOutside)
	}
	return nil
}

// existing is the longest part of a path that leads to something, links followed.
func existing(path string) string {
	for {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real
		}
		parent := filepath.Dir(path)
		if parent == path {
			return path
		}
		path = parent
	}
}

// Absent tells what is not there from what may not be opened.
func Absent(err error) bool {
	return fault.Of(err) == fault.NotFound && !errors.Is(err, errOutside)
}

// Cause is an error of the operating system without the path.
func Cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
