package match

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/where"
)

// indexPays: an index is used where it leaves at most one row in so many. The rows it leaves cost a look at scattered
// chunks each, of which a scan reads all, but one after the other.
const indexPays = 16

// throughIndex is the way through an index that leaves the fewest rows.
type throughIndex struct {
	Name  string // of the column
	index *index.Index
	span  ptindex.Range
	Rows  int64 // at most
}

// candidates are the rows of a slice that an index leaves, in the slice's order; false if none is to be used.
func (q *Search) candidates(ctx context.Context, rows rows.Span) (rows.List, bool, error) {
	best, _, err := q.Choice(ctx, rows)
	if best == nil || err != nil {
		return nil, false, err
	}
	only := q.Use == IndexOnly
	found, err := best.index.Rows(ctx, []ptindex.Range{best.span})
	if fault.Of(err) == fault.Exhausted && !only {
		return nil, false, nil
	}
	return among(found, rows), err == nil, err
}

// Choice is the index to use for the rows of a slice; none is nil and why.
func (q *Search) Choice(ctx context.Context, rows rows.Span) (best *throughIndex, why string, err error) {
	if q.Use == IndexOff {
		return nil, "options.index is off", nil
	}
	best, why, err = q.bestIndex(ctx)
	only := q.Use == IndexOnly
	switch {
	case err != nil || best == nil && !only:
		return nil, why, err
	case best == nil:
		return nil, "", fault.New(fault.Precondition, "where: no index serves this condition (%s); leave out options.index to read the column", why)
	case !only && best.Rows > rows.N/indexPays:
		return nil, fmt.Sprintf("that of %s may leave %d of %d rows: reading the column is faster", best.Name, best.Rows, rows.N), nil
	}
	return best, "", nil
}

// bestIndex looks at the indexes of the columns that the condition compares with constants.
func (q *Search) bestIndex(ctx context.Context) (best *throughIndex, why string, err error) {
	reasons := []string{}
	for column, span := range limits(q.Where.program.Ranges()) {
		name, whole := q.Where.indexed(column)
		if !whole {
			reasons = append(reasons, q.Where.scope[column].Name+": a part of "+name+", which has no index of its parts")
			continue
		}
		ix, why, err := q.Indexes.Index(ctx, name)
		if err != nil {
			return nil, "", err
		}
		if ix == nil {
			reasons = append(reasons, name+": "+why)
			continue
		}
		if n := ix.Estimate(span.Lo, span.Hi); best == nil || n < best.Rows {
			best = &throughIndex{name, ix, span, n}
		}
	}
	if len(reasons) == 0 {
		reasons = append(reasons, "it compares no column with a constant by ==, <, <=, > or >= in all cases")
	}
	slices.Sort(reasons)
	return best, strings.Join(reasons, "; "), nil
}

// limits joins the comparisons of each column. Comparisons of another kind than its first are left to the condition.
func limits(all []where.Range) map[int]ptindex.Range {
	out, kinds := map[int]ptindex.Range{}, map[int]where.Kind{}
	for _, r := range all {
		if k, ok := kinds[r.Column]; ok && k != r.Kind || r.Kind == where.Float64 && math.IsNaN(r.Float) {
			continue
		}
		kinds[r.Column] = r.Kind
		v, s := constant(r), out[r.Column]
		if r.Op != "<" && r.Op != "<=" && tighter(s.Lo, v, 1) {
			s.Lo = ptindex.Bound{Value: v, Open: r.Op == ">"}
		}
		if r.Op != ">" && r.Op != ">=" && tighter(s.Hi, v, -1) {
			s.Hi = ptindex.Bound{Value: v, Open: r.Op == "<"}
		}
		out[r.Column] = s
	}
	return out
}

func constant(r where.Range) any {
	switch r.Kind {
	case where.Int64:
		return r.Int
	case where.Bytes:
		return r.Bytes
	}
	return r.Float
}

// tighter tells whether a value is a better bound: larger below (sign 1), smaller above (-1).
func tighter(b ptindex.Bound, value any, sign int64) bool {
	switch v := value.(type) {
	case int64:
		old, ok := b.Value.(int64)
		return !ok || sign > 0 && v > old || sign < 0 && v < old
	case float64:
		old, ok := b.Value.(float64)
		return !ok || float64(sign)*v > float64(sign)*old
	}
	return b.Value == nil
}

// among keeps the rows that belong to a slice, in its order.
func among(found []int64, of rows.Span) rows.List {
	out := rows.List(found[:0])
	last := of.Start + (of.N-1)*of.Step
	lo, hi := min(of.Start, last), max(of.Start, last)
	for _, r := range found {
		if of.N > 0 && r >= lo && r <= hi && (r-of.Start)%of.Step == 0 {
			out = append(out, r)
		}
	}
	if of.Step < 0 {
		slices.Reverse(out)
	}
	return out
}
