package collection

import (
	"context"
	"fmt"

	"github.com/mtflight/mtflight/reader"
)

// maxExplained is of how many files each is told how it is read.
const maxExplained = 100

// Explain is part of reader.Joint: the sum of what the files tell, of the first ones each.
func (p *plan) Explain(ctx context.Context) (*reader.Explanation, error) {
	out := &reader.Explanation{Rows: p.total, Result: p.Rows(), Layout: "collection", Filters: p.members[0].variant.info.Filters, Condition: []string{}, Found: -1}
	for _, c := range p.columns {
		out.Fields = append(out.Fields, c.Name)
	}
	out.Order = "of the files, one after the other"
	if p.req.SortBy != "" {
		out.Order = "of " + p.req.SortBy + ", by sorting the keys of all files in memory"
	}
	out.Words = append(out.Words, fmt.Sprintf("%d files of %d kinds are read one after the other, each by a plan of its own", len(p.members), len(p.variants())))
	if p.out > 0 {
		out.Words = append(out.Words, fmt.Sprintf("%d more files are left out by their names alone, and not opened", p.out))
	}
	out.Left = p.skipped
	for _, s := range p.skipped {
		out.Words = append(out.Words, s.File+" is left out, since it cannot be read: "+s.Reason)
	}
	asked, parts := p.explained()
	if p.alone == nil && p.ways != nil && len(asked) < len(p.members) {
		out.Words = append(out.Words, fmt.Sprintf("%d files are left out: by the bounds of their values no row of them can match", len(p.members)-len(asked)))
	}
	for i, q := range asked {
		if i == maxExplained {
			out.Words = append(out.Words, fmt.Sprintf("and so are %d more files, which are not in the sums", len(asked)-i))
			break
		}
		m := p.members[parts[i]]
		one, err := open(ctx, p.eng, m, q)
		if err != nil {
			return nil, err
		}
		x, err := one.Explain(ctx)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out.ChunkRows, out.Condition, out.Index = x.ChunkRows, x.Condition, x.Index
		}
		out.Add("of the collection, "+m.loc.Name+":", x)
	}
	return out, nil
}

// explained are the requests for the files that are asked, and which they are.
func (p *plan) explained() (asked []reader.Request, files []int) {
	if p.alone != nil {
		return nil, nil
	}
	r := p.req
	if p.seq == nil || r.SortBy != "" {
		for i, m := range p.members {
			if p.none(i) {
				continue
			}
			q := p.request(m)
			q.SortBy = ""
			asked, files = append(asked, q), append(files, i)
		}
		return asked, files
	}
	seen := map[int]bool{}
	for _, one := range p.pieces(nil, p.seq.Runs(nil, 0, p.seq.Len(), 0)) {
		if !seen[one.file] {
			seen[one.file] = true
			asked, files = append(asked, p.selecting(p.request(p.members[one.file]), one)), append(files, one.file)
		}
	}
	return asked, files
}
