package catalog

import (
	"cmp"
	"context"
	"path"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/glob"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// In a store nothing is a link, and what an object is shows when it is opened. A listing has those that are named as HDF5 files
// are: to look for signatures would take a request for each.

func (c *Catalog) newStored(name, address string, several bool) (root, error) {
	store, err := objectstore.Parse(address)
	if err != nil {
		return root{}, fault.New(fault.Of(err), "catalog: cannot serve a store: %w", err)
	}
	file, err := store.Check(context.Background(), c.disks)
	if err != nil {
		return root{}, fault.New(cmp.Or(fault.Of(err), error(fault.Unavailable)), "catalog: cannot serve %s: %w", store.Name(), err)
	}
	r := root{name: name, path: store.Place(), file: file, store: store}
	if name == "" && (several || file) {
		r.name = spell.Escape(path.Base(store.Place()))
	}
	return r, nil
}

// resolveStored is Resolve below a root of a store. Whether the object is there shows when it is opened, but for a name that may be a pattern.
func (c *Catalog) resolveStored(ctx context.Context, r root, rel, name string) (reader.Location, error) {
	place := r.path
	if !r.file {
		place += "/" + spell.Unescape(rel)
	}
	if !r.holds(place) || !r.store.Holds(place) || !c.may(ctx, r, r.below(place)) {
		return reader.Location{}, fault.New(fault.NotFound, "no such file %s", shown(name))
	}
	if _, is := glob.Pattern(name); is {
		if _, err := r.store.Open(ctx, c.disks, nil, place); err != nil {
			return reader.Location{}, fault.New(fault.Of(err), "no such file %s: %w", shown(name), err)
		}
	}
	return c.stored(r, place, name), nil
}

func (c *Catalog) stored(r root, place, name string) reader.Location {
	l := reader.Location{Path: place, Name: name, Store: r.store, NameOf: c.NameOf}
	l.Inside = func(place string) bool {
		return slices.ContainsFunc(c.roots(), func(r root) bool { return r.store != nil && r.holds(place) })
	}
	if c.rules != nil {
		l.May = c.mayOpen
	}
	return l
}

// oneStored visits the object at a location, if there is one.
func (c *Catalog) oneStored(ctx context.Context, loc reader.Location, visit func(Entry) error) error {
	switch _, err := loc.Store.Open(ctx, c.disks, nil, loc.Path); fault.Of(err) {
	case nil:
		if err != nil {
			return err
		}
		return visit(Entry{Location: loc})
	case fault.NotFound:
		return nil
	default:
		return visit(Entry{Location: loc, Err: err})
	}
}

// walkStored is walkRoot of a root of a store.
func (c *Catalog) walkStored(ctx context.Context, r root, names *glob.Glob, visit func(Entry) error) error {
	if r.file {
		if !names.Match(r.name) || !c.may(ctx, r, r.name) {
			return nil
		}
		return visit(Entry{Location: c.stored(r, r.path, r.name)})
	}
	begin := glob.Literal(names.Text())
	begin = begin[min(len(r.prefix()), len(begin)):]
	if some, _ := c.reach(ctx, r, begin); !some || !glob.Below(r.prefix(), names.Text()) {
		return nil
	}
	var ended error // of visit
	err := r.store.List(ctx, c.disks, spell.Unescape(begin), func(place string, _ int64) error {
		name := r.nameOf(place)
		if Named(name) && names.Match(name) && c.may(ctx, r, r.below(place)) {
			ended = visit(Entry{Location: c.stored(r, place, name)})
		}
		return ended
	})
	if err == nil || ended != nil || ctx.Err() != nil {
		return err
	}
	return visit(Entry{Location: c.stored(r, r.path, cmp.Or(r.name, ".")), Err: err}) // the rest is missing
}
