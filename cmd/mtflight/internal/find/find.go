// Package find finds HDF5 files below directories and in stores, as a server finds them.
package find

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// OnDisk is the place of a file that is asked for by its spelling, or, where none is there, by its name as it is.
func OnDisk(path string) string {
	raw := spell.Unescape(path)
	if _, err := os.Stat(raw); err != nil {
		return path
	}
	return raw
}

// Stored visits the object at the address of a store, or those below it that are named like HDF5, with their sizes; that of an only one is 0.
func Stored(ctx context.Context, d *disks.Disks, address string, visit func(at reader.Location, size int64) error) error {
	store, err := objectstore.Parse(address)
	if err != nil {
		return err
	}
	one, err := store.Check(ctx, d)
	if err != nil {
		return fault.New(fault.Of(err), "%s: %w", store.Name(), err)
	}
	if one {
		return visit(reader.Location{Path: store.Place(), Name: store.Name(), Store: store}, 0)
	}
	return store.List(ctx, d, "", func(place string, size int64) error {
		if !flight.Named(place) {
			return nil
		}
		name := spell.Escape(store.Name() + strings.TrimPrefix(place, store.Place()))
		return visit(reader.Location{Path: place, Name: name, Store: store}, size)
	})
}

// Below visits the HDF5 files below a directory, with their sizes. With an error come those that are only named like HDF5 or cannot be
// looked at, and directories; what is not named so either, or is not there any more, is passed over. It ends with ctx, or visit's error.
func Below(ctx context.Context, dir string, visit func(path string, size int64, err error) error) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrPermission):
			return visit(name, 0, fault.New(fault.Denied, "not allowed to look into this directory: make it readable"))
		case err != nil || entry.IsDir(): // what is not there any more
			return ctx.Err()
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() { // a link that leads nowhere, a pipe
			return ctx.Err()
		}
		if is, err := flight.Look(name); is || err != nil {
			return visit(name, info.Size(), err)
		}
		return ctx.Err()
	})
}
