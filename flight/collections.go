package flight

import (
	"context"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/criteria"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/collection"
)

// collections calls visit with every collection chosen, as a file of one dataset.
func (s *Server) collections(ctx context.Context, c criteria.Criteria, visit func(file string, t *reader.Tree, err error) error) error {
	return s.eachCollection(ctx, func(one catalog.Collection, files []reader.Location, err error) error {
		if !c.MayTake(one.Name, one.Dataset) {
			return nil
		}
		t := &reader.Tree{Datasets: make([]reader.Info, 1), Pattern: one.Pattern}
		if err == nil {
			t.Datasets[0], err = s.collected(ctx, files, one.Dataset)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return visit(one.Name, t, err)
	})
}

// eachCollection calls visit with the collections that are there for whom asks, with their files or why these cannot be told.
func (s *Server) eachCollection(ctx context.Context, visit func(one catalog.Collection, files []reader.Location, err error) error) error {
	for _, one := range s.catalog.Collections() {
		files, _, err := s.catalog.Files(ctx, reader.Request{File: one.Name, Dataset: one.Dataset})
		if fault.Of(err) == fault.NotFound {
			continue
		}
		if err := visit(one, files, err); err != nil {
			return err
		}
	}
	return nil
}

// described describes the dataset of a file, or of many: a collection, or those of a pattern.
func (s *Server) described(ctx context.Context, file, dataset string) (d Description, err error) {
	callOf(ctx).file.set(file)
	files, many, err := s.catalog.Files(ctx, reader.Request{File: file, Dataset: dataset})
	if err != nil {
		return d, err
	}
	callOf(ctx).dataset.set(dataset)
	if many {
		d.ChunkCount = reader.Unknown
		d.Info, err = s.collected(ctx, files, dataset)
		d.Schema, d.Metadata = columns(d.Info.Schema)
		return d, err
	}
	f, err := s.engine.Open(ctx, files[0])
	if err != nil {
		return d, err
	}
	return Describe(ctx, f, dataset)
}

// collected describes a collection; a panic over one must not hide the others.
func (s *Server) collected(ctx context.Context, files []reader.Location, dataset string) (info reader.Info, err error) {
	defer caught("a collection of "+files[0].Name, &err)
	return collection.Describe(ctx, s.engine, files, dataset)
}
