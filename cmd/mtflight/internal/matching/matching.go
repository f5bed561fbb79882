// Package matching finds the files of this machine that a pattern names, as a server finds those of its roots.
package matching

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/glob"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// Files are those that match a pattern, in natural order; false where the text is none. Those that are not HDF5 are passed over, unless they
// are named so. Errors: fault.NotFound where there is none, that of a file that cannot be read; unread: such a file is among them, for
// whoever opens it to find out.
func Files(pattern string, unread bool) (files []reader.Location, is bool, err error) {
	text, is := glob.Pattern(pattern)
	if !is {
		return nil, false, nil
	}
	text = strings.TrimPrefix(text, "./") // as the walk names them
	g := glob.New(text)
	err = filepath.WalkDir(top(text), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil && unread:
			return add(path, &files)
		case err != nil:
			return fault.New(fault.Denied, "%s: not allowed to look into this directory: make it readable", spell.Escape(path))
		case d.IsDir() || !g.Match(spell.Escape(path)):
			return nil
		}
		return found(path, unread, &files)
	})
	slices.SortFunc(files, func(a, b reader.Location) int { return glob.Natural(a.Name, b.Name) })
	if err == nil && len(files) == 0 {
		err = fault.New(fault.NotFound, "no file matches %s: * is any run of characters, / too", spell.Quote(pattern))
	}
	return files, true, err
}

// top is the folder below which all files lie that can match.
func top(text string) string {
	start := glob.Literal(text)
	at := strings.LastIndexByte(start, '/')
	switch {
	case at < 0:
		return "."
	case at == 0:
		return "/"
	}
	return spell.Unescape(start[:at])
}

func found(path string, unread bool, files *[]reader.Location) error {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil // a link that leads nowhere, a pipe
	}
	is, err := flight.Look(path)
	if !is && err == nil {
		err = readable(path)
	}
	switch {
	case err != nil && unread:
	case err != nil:
		return fault.New(fault.Of(err), "%s: %w: make it readable, or narrow the pattern", spell.Escape(path), err)
	case !is:
		return nil
	}
	return add(path, files)
}

func add(path string, files *[]reader.Location) error {
	if len(*files) == protocol.MaxFiles {
		return fault.New(fault.Exhausted, "more than %d files match: narrow the pattern", protocol.MaxFiles)
	}
	*files = append(*files, reader.Location{Path: path, Name: spell.Escape(path)})
	return nil
}

// readable refuses to pass over what cannot be looked at: it may be HDF5.
func readable(path string) error {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fault.New(fault.Denied, "cannot be read")
	}
	return f.Close()
}
