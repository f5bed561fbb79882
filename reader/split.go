package reader

import "slices"

// Split cuts the request into at most n requests by start and stop that give the same rows in this order.
func (p *Plan) Split(n int) []Request {
	rows, ok := p.fixed.(span)
	whole := []Request{p.req}
	if !ok || n < 2 || p.req.Select != nil || p.req.Stream != nil || rows.n < 2 || rows.step < 1 {
		return whole
	}
	var out []Request
	per := (rows.n + int64(n) - 1) / int64(n)
	if band := p.geo.chunk[p.geo.rows]; rows.step == 1 && per > band {
		per = (per + band - 1) / band * band
	}
	for lo := int64(0); lo < rows.n; lo += per {
		out = append(out, p.part(rows, lo, min(lo+per, rows.n)))
	}
	return out
}

func (p *Plan) part(rows span, lo, hi int64) Request {
	r := p.req
	start, stop := rows.start+lo*rows.step, rows.start+(hi-1)*rows.step+1
	r.Start, r.Stop, r.Offset, r.Limit, r.Endpoints = &start, &stop, 0, nil, 0
	r.Fields = slices.Clone(r.Fields)
	return r
}
