package flight

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/mtflight/mtflight/flight/internal/criteria"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

var errFound = errors.New("found")

// Sample is a dataset that can be asked for, of the first file that has one: a table, if there is one in it. Errors:
// fault.NotFound where there is none, with what is wrong with the first file that is not read, that of ctx.
func (s *Server) Sample(ctx context.Context) (file, dataset string, err error) {
	all := criteria.Criteria{}
	var broken error
	err = s.trees(ctx, all, func(name string, t *reader.Tree, err error) error {
		if err != nil {
			broken = cmp.Or(broken, fmt.Errorf("%s: %w", name, err))
			return nil // others may be well
		}
		for _, d := range t.Datasets {
			if d.Schema != nil && all.Takes(d) && (dataset == "" || d.Kind == "table") {
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
	if broken != nil {
		return "", "", fault.New(fault.NotFound, "no file below the roots has a dataset that can be read: %w", broken)
	}
	return "", "", fault.New(fault.NotFound, "no file below the roots has a dataset that can be read")
}
