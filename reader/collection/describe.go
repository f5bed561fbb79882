package collection

import (
	"context"

	"github.com/mtflight/mtflight/reader"
)

// Describe tells of the table that files are what Dataset.Info tells of one file's: the first one's, with the rows and columns of all. Errors: those of Plan.
func Describe(ctx context.Context, eng *reader.Engine, files []reader.Location, dataset string) (reader.Info, error) {
	s, err := newSet(ctx, eng, Files{All: files}, nil, reader.Request{Dataset: dataset})
	if err != nil {
		return reader.Info{}, err
	}
	info := s.members[0].variant.info
	info.Schema, info.Rows = s.schema, reader.Count(s.total)
	info.Bytes, info.Stored = reader.Unknown, reader.Unknown
	if len(info.Shape) > 0 {
		info.Shape = append([]int64{s.total}, tail(info.Shape)...)
	}
	return info, nil
}
