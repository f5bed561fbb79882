package catalog

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/glob"
	"github.com/mtflight/mtflight/reader"
)

// Entry is a file found. Err says why it cannot be read as HDF5, where that shows without opening it.
type Entry struct {
	reader.Location
	Err   error
	doubt bool // it cannot be looked at, and is not named like HDF5: a listing passes it over
}

// Walk calls visit for every file whose name, as it is spelled, matches the glob, root by root and sorted within a directory, as they
// are found. A file is taken for HDF5 by its signature, not by its name; one that is only named like HDF5 comes with
// an Err, others are passed over. Links to directories are not followed (their files can be asked for). It ends with
// the first error of visit, or that of ctx; what cannot be looked at does not end it. What the call's identity may not read is not there.
func (c *Catalog) Walk(ctx context.Context, pattern string, visit func(Entry) error) error {
	return c.walk(ctx, pattern, func(e Entry) error {
		if e.doubt {
			return nil
		}
		return visit(e)
	})
}

// walk is Walk, with the files that cannot be looked at whatever they are named.
func (c *Catalog) walk(ctx context.Context, pattern string, visit func(Entry) error) error {
	if pattern != "" && glob.Literal(pattern) == pattern {
		return c.one(ctx, pattern, visit)
	}
	names := glob.New(pattern)
	for _, r := range c.roots() {
		walk := func(ctx context.Context, visit func(Entry) error) error { return c.walkRoot(ctx, r, names, visit) }
		if r.store == nil { // whose calls end by themselves
			walk = c.patiently(r, walk)
		}
		if err := walk(ctx, visit); err != nil {
			return err
		}
	}
	return nil
}

// one visits the file of this very name, if there is one.
func (c *Catalog) one(ctx context.Context, name string, visit func(Entry) error) error {
	loc, err := c.Resolve(ctx, name)
	if err != nil {
		return nil
	}
	if loc.Store != nil {
		return c.oneStored(ctx, loc, visit)
	}
	return c.patiently(root{path: loc.Path, name: name, file: true}, func(_ context.Context, visit func(Entry) error) error {
		return c.look(loc, visit)
	})(ctx, visit)
}

func (c *Catalog) walkRoot(ctx context.Context, r root, names *glob.Glob, visit func(Entry) error) error {
	if r.store != nil {
		return c.walkStored(ctx, r, names, visit)
	}
	if r.file {
		if !names.Match(r.name) || !c.may(ctx, r, r.name) {
			return nil
		}
		return c.look(c.location(r.path, r.name), visit)
	}
	return filepath.WalkDir(r.path, func(p string, d fs.DirEntry, err error) error {
		name := r.nameOf(p)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || d.IsDir():
			return c.enter(ctx, r, p, err, names, visit)
		case !names.Match(name) || !c.may(ctx, r, r.below(p)):
			return nil
		}
		return c.found(ctx, r, p, name, d, visit)
	})
}

// enter passes a directory over in which there is nothing for the call's identity, without looking into it: how long that takes would tell
// what is there. bad is why it cannot be looked into.
func (c *Catalog) enter(ctx context.Context, r root, p string, bad error, names *glob.Glob, visit func(Entry) error) error {
	folder := ""
	if p != r.path {
		folder = r.below(p) + "/"
	}
	some, all := c.reach(ctx, r, folder)
	switch {
	case !some || !glob.Below(r.prefix()+folder, names.Text()), bad != nil && (!all || errors.Is(bad, fs.ErrNotExist)):
		return fs.SkipDir
	case bad != nil:
		return c.closed(p, r.nameOf(p), bad, visit)
	}
	return nil
}

// closed visits a directory that cannot be looked into, since what it holds is missing from the listing.
func (c *Catalog) closed(p, name string, why error, visit func(Entry) error) error {
	if !c.leads(p) {
		return fs.SkipDir
	}
	loc := c.location(p, cmp.Or(name, "."))
	err := fault.New(fault.Denied, "the server may not look into this directory: make it readable")
	if !errors.Is(why, fs.ErrPermission) {
		err = fault.New(cmp.Or(fault.Of(why), error(fault.DataLoss)), "the server cannot look into this directory: %w", reason(why))
	}
	if err := visit(Entry{Location: loc, Err: err}); err != nil {
		return err
	}
	return fs.SkipDir
}

func (c *Catalog) found(ctx context.Context, r root, p, name string, d fs.DirEntry, visit func(Entry) error) error {
	if d.Type()&fs.ModeSymlink != 0 {
		target, err := filepath.EvalSymlinks(p)
		if err != nil || !r.holds(target) || !c.mayOpen(ctx, target) || !regular(target) {
			return nil
		}
		p = target
	} else if !d.Type().IsRegular() {
		return nil
	}
	return c.look(c.location(p, name), visit)
}

func (c *Catalog) look(loc reader.Location, visit func(Entry) error) error {
	is, err := judge(loc)
	if is || err != nil {
		return visit(Entry{loc, err, err != nil && !Named(loc.Name)})
	}
	return nil
}

// Look tells whether a file is HDF5; the error is of one that is named like HDF5 and is not, or cannot be read.
func Look(path string) (is bool, err error) {
	is, err = judge(reader.Location{Path: path, Name: path})
	if !Named(path) {
		err = nil
	}
	return is, err
}

// judge is Look, with an error for all that cannot be looked at.
func judge(at reader.Location) (is bool, err error) {
	is, err = reader.IsHDF5(at)
	switch {
	case is || err == nil && !Named(at.Name):
		return is, nil
	case errors.Is(err, fs.ErrNotExist) && (at.Open != nil || !Named(at.Name)): // any more, or in the roots
		return false, nil
	case errors.Is(err, fs.ErrPermission):
		return false, fault.New(fault.Denied, "cannot be read: %w: make it readable", reason(err))
	case err != nil:
		return false, fault.New(cmp.Or(fault.Of(err), error(fault.DataLoss)), "cannot be read: %w", reason(err))
	}
	return false, fault.New(fault.DataLoss, "has no HDF5 signature")
}

// reason leaves out the path, which is the server's business.
func reason(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

var extensions = []string{".h5", ".hdf5", ".hdf", ".he5", ".h5ad", ".h5p", ".hd5", ".nc", ".nc4", ".mat", ".nxs", ".loom"}

// Named tells whether a file is named as HDF5 files are. Some .hdf, .nc and .mat files are of older formats, so that
// listing them with a reason is all that is done with it.
func Named(name string) bool {
	return slices.Contains(extensions, strings.ToLower(path.Ext(name)))
}
