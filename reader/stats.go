package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
)

// Statistics are those of all rows of a dataset.
type Statistics struct {
	Rows      int64
	ChunkRows int64 // of a chunk, or of what is read at once of a dataset without chunks
	Columns   []ColumnStats
}

// ChunkStats are those of the rows from Start up to Stop; the columns are in the order of Statistics.
type ChunkStats struct {
	Start, Stop int64
	Columns     []ColumnStats
}

// ColumnStats are the counts and bounds of a column's values: of those in its lists and inner axes too.
//
// Min and Max are int64, uint64, float64, bool or []byte (text without zeros at its end, by unsigned bytes), nil where
// there are none. Times and durations are the integers of Type, enums their integers.
type ColumnStats struct {
	Name     string
	Type     arrow.DataType // that of a request's column, but for enums
	Reason   string         // why there are no bounds
	Values   int64
	Null     int64 // null in Arrow: NaT
	NaN      int64
	Min, Max any
}

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
	all, err := d.scan(ctx, Request{})
	if err != nil {
		return nil, d.failed(err)
	}
	s, err := newSurvey(all, d.source, d.statistics(), fields)
	if err != nil {
		return nil, d.failed(err)
	}
	defer d.file.saveStats(false)
	return s.run(ctx, each)
}
