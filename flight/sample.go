package flight

import (
	"context"
	"errors"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

var errFound = errors.New("found")

// Sample is a dataset that can be asked for, of the first file that has one: a table, if there is one in it. Errors:
// fault.NotFound where there is none, that of ctx.
func (s *Server) Sample(ctx context.Context) (file, dataset string, err error) {
	all := criteria{}
	err = s.trees(ctx, all, func(name string, t *reader.Tree, err error) error {
		if err != nil {
			return nil // of a file: others may be well
		}
		for _, d := range t.Datasets {
			if d.Schema != nil && all.takes(d) && (dataset == "" || d.Kind == "table") {
				if file, dataset = name, d.Path; d.Kind == "table" {
					break
				}
			}
		}
		if dataset != "" {
			return errFound
		}
		return nil
	})
	switch {
	case errors.Is(err, errFound):
		return file, dataset, nil
	case err != nil:
		return "", "", err
	}
	return "", "", fault.New(fault.NotFound, "no file below the roots has a dataset that can be read")
}
