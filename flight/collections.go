package flight

import (
	"context"

	"github.com/mtflight/mtflight/flight/internal/criteria"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/collection"
)

// collections calls visit with every collection chosen, as a file of one dataset; those that are not there for whom asks are passed over.
func (s *Server) collections(ctx context.Context, c criteria.Criteria, visit func(file string, t *reader.Tree, err error) error) error {
	for _, one := range s.catalog.Collections() {
		if !c.MayTake(one.Name, one.Dataset) {
			continue
		}
		files, _, err := s.catalog.Files(ctx, reader.Request{File: one.Name, Dataset: one.Dataset})
		if fault.Of(err) == fault.NotFound {
			continue
		}
		t := &reader.Tree{Datasets: make([]reader.Info, 1), Pattern: one.Pattern}
		if err == nil {
			t.Datasets[0], err = s.collected(ctx, files, one.Dataset)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := visit(one.Name, t, err); err != nil {
			return err
		}
	}
	return nil
}

// collected describes a collection; a panic over one must not hide the others.
func (s *Server) collected(ctx context.Context, files []reader.Location, dataset string) (info reader.Info, err error) {
	defer caught("a collection of "+files[0].Name, &err)
	return collection.Describe(ctx, s.engine, files, dataset)
}
