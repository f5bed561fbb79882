package index

import (
	"bytes"
	"context"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// Complete reports whether PyTables put every row of the table in order.
func (ix *Index) Complete() bool { return ix.Sorted() && ix.Indexed() == ix.TableRows }

// Orders reports whether that is the order of the column. PyTables orders texts by what lies before their first NUL, so
// those of the index are read once to find out.
func (ix *Index) Orders(ctx context.Context) (bool, error) {
	if !ix.Complete() || ix.Class != ptindex.Bytes || !ix.arrays.table.Source.Wrote {
		return ix.Complete(), nil
	}
	ix.mu.Lock()
	known := ix.inside
	ix.mu.Unlock()
	if known != nil {
		return !*known, nil
	}
	inside, err := ix.arrays.nulInside(ctx)
	if err != nil {
		return false, err
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.inside = &inside
	return !inside, nil
}

// nulInside tells whether a text of the index has a NUL that is not at its end.
func (a *indexArrays) nulInside(ctx context.Context) (bool, error) {
	found, err := a.sorted.nulInside(ctx, "")
	if found || err != nil {
		return found, err
	}
	return a.sortedLR.nulInside(ctx, span2(0, a.shape.LastKeys))
}

// nulInside tells it of what a NumPy index takes of an array of texts, whose CLASS is none of those with NumPy's texts.
func (x *Array) nulInside(ctx context.Context, index string) (found bool, err error) {
	size := x.Source.Type.Size
	err = x.Read(ctx, index, convert.Options{Layout: "rows"}, func(r arrow.Record) bool {
		raw := r.Column(0).(*array.FixedSizeBinary)
		for i := 0; i < raw.Len() && !found; i++ {
			for cell := range slices.Chunk(raw.Value(i), size) {
				found = found || bytes.IndexByte(bytes.TrimRight(cell, "\x00"), 0) >= 0
			}
		}
		return !found
	})
	return found, err
}
