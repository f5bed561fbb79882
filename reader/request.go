package reader

import (
	"slices"

	"github.com/mtflight/mtflight/reader/internal/rows"
)

// pageOf is the part of the result that is wanted.
func pageOf(r Request) rows.Page {
	g := rows.Page{Offset: r.Offset, Limit: -1}
	if r.Limit != nil {
		g.Limit = *r.Limit
	}
	return g
}

// sequence is the rows that a request asks for of n, where no value decides about them.
func sequence(r Request, n int64) (s rows.Sequence, err error) {
	switch {
	case r.Coordinates != nil:
		s, err = rows.Coordinates(r.Coordinates, n)
	case r.Mask != nil:
		s, err = rows.Masked(r.Mask, r.MaskRows, n)
	default:
		s, err = rows.Slice(r.Start, r.Stop, r.Step, n)
	}
	if err != nil {
		return nil, err
	}
	return pageOf(r).Of(s), nil
}

// partOf are the places lo up to hi of a slice of the rows.
func partOf(r Request, rows rows.Span, lo, hi int64) Request {
	start, stop := rows.Start+lo*rows.Step, rows.Start+(hi-1)*rows.Step+1
	r.Start, r.Stop, r.Offset, r.Limit, r.Endpoints = &start, &stop, 0, nil, 0
	r.Fields = slices.Clone(r.Fields)
	return r
}

// follows tells whether rows to come are waited for.
func follows(r Request) bool { return r.Stream != nil && r.Stream.Follow }
