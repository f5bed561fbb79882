package reader

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/match"
)

// Stats tells the statistics of columns (nil: of all), and by each, if it is not nil, those of every chunk in the order
// of the rows. What is not known yet is read. Errors: fault.NotFound for a column, fault.Unsupported where none of them
// has statistics, those of each and of a Run.
func (d *Dataset) Stats(ctx context.Context, fields []string, each func(ChunkStats) error) (*Statistics, error) {
	if d.unsupported != nil {
		return nil, d.unsupported
	}
	if d.frame != nil {
		return nil, d.failed(fault.New(fault.Unsupported, "stats are not served for a frame of several datasets: ask the raw node %s", d.frame.Columns[0].Path))
	}
	if d.matrix != nil {
		return nil, d.failed(fault.New(fault.Unsupported, "stats are not served for a sparse matrix: ask the raw node %s", d.matrix.values.asked))
	}
	all, err := d.scan(ctx, Request{})
	if err != nil {
		return nil, d.failed(err)
	}
	s, err := match.NewSurvey(all, d.source, d.statistics(), fields)
	if err != nil {
		return nil, d.failed(err)
	}
	return s.Run(ctx, each)
}
