// Package find finds HDF5 files below directories, as a server finds them.
package find

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
)

// Local refuses the address of a store, where only files on disk are read.
func Local(path string) error {
	if objectstore.Is(path) {
		return fault.New(fault.Unsupported, "this reads files on a local disk, not in a store: copy the file to one")
	}
	return nil
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
