package reader

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/match"
)

// Stands gives the identity of the file at a location where all that the plan says follows from it: the dataset lies there and nowhere
// else, on disk, and nobody is writing to it.
func (p *Plan) Stands(at Location) (id Identity, ok bool) {
	s, ok := p.of.(single)
	if !ok || !p.Alone() || at.Store != nil {
		return id, false
	}
	f := s.ds.file
	return f.disk.Identity(), f.loc.Path == at.Path && f.noted && !f.live && !s.ds.passes()
}

// Is tells whether the file at a location on disk is that of an identity.
func (e *Engine) Is(ctx context.Context, at Location, id Identity) bool {
	now, err := location.Identify(ctx, e.disks, at)
	return err == nil && now == id
}

// Bounds are what the statistics of the chunks tell of columns by now; nil: nothing.
func (p *Plan) Bounds(columns []string) Bounds {
	if t, is := p.read.(*tableRead); is {
		return match.BoundsOf(t.scan, t.ds.source, t.ds.statistics(), columns)
	}
	return nil
}

// May tells whether a row may meet the plan's condition in a dataset of the same columns whose bounds are known.
func (p *Plan) May(of Bounds) bool {
	t, is := p.read.(*tableRead)
	return !is || t.where == nil || t.where.May(of)
}
