package rows

import (
	"slices"

	"github.com/mtflight/mtflight/protocol"
)

// PageOf is the part of the result that is wanted.
func PageOf(r protocol.Request) Page {
	g := Page{Offset: r.Offset, Limit: -1}
	if r.Limit != nil {
		g.Limit = *r.Limit
	}
	return g
}

// Asked is the rows that a request asks for of n, where no value decides about them.
func Asked(r protocol.Request, n int64) (s Sequence, err error) {
	switch {
	case r.Coordinates != nil:
		s, err = Coordinates(r.Coordinates, n)
	case r.Mask != nil:
		s, err = Masked(r.Mask, r.MaskRows, n)
	default:
		s, err = Slice(r.Start, r.Stop, r.Step, n)
	}
	if err != nil {
		return nil, err
	}
	return PageOf(r).Of(s), nil
}

// part is a request for the places lo up to hi of a slice of the rows.
func part(r protocol.Request, of Span, lo, hi int64) protocol.Request {
	start, stop := of.Start+lo*of.Step, of.Start+(hi-1)*of.Step+1
	r.Start, r.Stop, r.Offset, r.Limit, r.Endpoints = &start, &stop, 0, nil, 0
	r.Fields = slices.Clone(r.Fields)
	return r
}

// Split cuts a request for the rows of a sequence (nil: unknown) into at most n by start and stop that give the same rows in this order.
// Of neighbouring rows each part but the last has a multiple of band.
func Split(r protocol.Request, seq Sequence, n int, band int64) []protocol.Request {
	of, ok := seq.(Span)
	if !ok || n < 2 || r.Select != nil || r.Stream != nil || of.N < 2 || of.Step < 1 {
		return []protocol.Request{r}
	}
	var out []protocol.Request
	per := (of.N + int64(n) - 1) / int64(n)
	if of.Step == 1 && per > band {
		per = (per + band - 1) / band * band
	}
	for lo := int64(0); lo < of.N; lo += per {
		out = append(out, part(r, of, lo, min(lo+per, of.N)))
	}
	return out
}
