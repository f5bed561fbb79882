package location

import (
	"context"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// At is the location that a text names which was not sent by a client: the URL of an object in a store, or else a path on disk.
func At(text string) (Location, error) {
	if !objectstore.Is(text) {
		return Location{Path: text}, nil
	}
	root, err := objectstore.Parse(text)
	if err != nil {
		return Location{}, err
	}
	return Location{Path: root.Place(), Name: root.Name(), Store: root.Whole()}, nil
}

// Open opens the file at a location. What is read of a store's metadata is kept by b.
func Open(ctx context.Context, d *disks.Disks, b *objectstore.Blocks, l Location) (*blockio.File, error) {
	if l.Store == nil {
		return blockio.Open(ctx, d, l.Path, l.Open)
	}
	o, err := l.Store.Open(ctx, d, b, l.Path)
	if err != nil {
		return nil, err
	}
	return blockio.Of(o), nil
}

// Identify is the identity of the file that is at a location now.
func Identify(ctx context.Context, d *disks.Disks, l Location) (blockio.Identity, error) {
	if l.Store == nil {
		return blockio.Identify(ctx, d, l.Path)
	}
	o, err := l.Store.Open(ctx, d, nil, l.Path)
	if err != nil {
		return blockio.Identity{}, err
	}
	return blockio.IdentityOf(o), nil
}

// Now is Identify for what is open: in a store it is the same until a read finds another version.
func Now(ctx context.Context, d *disks.Disks, l Location, open *blockio.File) (blockio.Identity, error) {
	switch {
	case l.Store == nil:
		return blockio.Identify(ctx, d, l.Path)
	case open.Unchanged():
		return open.Identity(), nil
	}
	return blockio.Identity{}, fault.New(fault.Changed, "the object was replaced")
}

// stored is Sibling in a store, where nothing is a link.
func (l Location) stored(ctx context.Context, name string) (string, error) {
	place := l.beside(name)
	if !l.Store.Holds(place) || l.Inside != nil && !l.Inside(place) || !l.may(ctx, place) {
		return "", fault.New(fault.NotFound, "%w", outside{name})
	}
	_, err := l.Store.Open(ctx, nil, nil, place)
	switch fault.Of(err) {
	case nil:
		return place, err
	case fault.NotFound:
		return "", fault.New(fault.NotFound, "%s", absent(name))
	}
	return "", fault.New(fault.Of(err), "%s cannot be looked for: %w", Base(name), err)
}
