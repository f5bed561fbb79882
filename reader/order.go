package reader

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/reader/where"
)

// sortable checks the column of sort_by.
func (d *Dataset) sortable(r Request) error {
	if len(d.shape) != 1 {
		return fault.New(fault.Invalid, "sort_by: only tables and arrays of one axis can be sorted, this has %d", len(d.shape))
	}
	var names []string
	for _, c := range d.source.Columns() {
		names = append(names, c.Name)
	}
	if !slices.Contains(names, r.SortBy) {
		return fault.New(fault.NotFound, "sort_by: no column %q%s", r.SortBy, suggestion(r.SortBy, names))
	}
	kind, why, err := d.operand(r.SortBy)
	if err != nil {
		return err
	}
	if kind == where.None || kind == where.Complex128 {
		if why == "" {
			why = "complex values have no order"
		}
		return fault.New(fault.Invalid, "sort_by: column %q: %s", r.SortBy, why)
	}
	if r.CheckCSI {
		return fault.New(fault.Precondition, "sort_by: column %q has no completely sorted index that can be used; leave out check_csi to sort it", r.SortBy)
	}
	return nil
}

func suggestion(name string, names []string) string {
	found := near.Near(name, names)
	if len(found) == 0 {
		return ""
	}
	return " (near: " + strings.Join(found, ", ") + ")"
}

// sorted puts rows in the order of a column: ascending, NaN last, equal keys as they come.
func (p *Plan) sorted(ctx context.Context, rows sequence) (rowList, error) {
	if need := rows.Len() * 32; need > p.ds.file.eng.mem.Budget.Limit() {
		return nil, fault.New(fault.Exhausted, "sorting %d rows needs about %d bytes, more than the memory budget: raise --memory", rows.Len(), need)
	}
	scan, err := p.scan([]string{p.req.SortBy}, rows)
	if err != nil {
		return nil, err
	}
	kind, _, err := p.ds.operand(p.req.SortBy)
	if err != nil {
		return nil, err
	}
	var keys where.Vector
	if err := scan.each(ctx, func(r *Run) bool {
		if kind == where.Bytes {
			appendBytes(&keys, r.Record().Column(0).(*array.Binary))
		} else {
			appendKeys(&keys, vector(r.Record().Column(0), kind))
		}
		return true
	}); err != nil {
		return nil, err
	}
	return arranged(rows, keys, kind), nil
}

func appendKeys(all *where.Vector, v where.Vector) {
	all.Bool = append(all.Bool, v.Bool...)
	all.I32 = append(all.I32, v.I32...)
	all.I64 = append(all.I64, v.I64...)
	all.F32 = append(all.F32, v.F32...)
	all.F64 = append(all.F64, v.F64...)
}

func appendBytes(all *where.Vector, a *array.Binary) {
	if all.Off == nil {
		all.Off = []int32{0}
	}
	for i := range a.Len() {
		all.Bytes = append(all.Bytes, a.Value(i)...)
		all.Off = append(all.Off, int32(len(all.Bytes)))
	}
}

func arranged(rows sequence, keys where.Vector, kind where.Kind) rowList {
	var order []int64
	n := int(rows.Len())
	switch kind {
	case where.Bool:
		order = argsort(n, func(a, b int64) int { return cmp.Compare(keys.Bool[a], keys.Bool[b]) })
	case where.Int32:
		order = argsort(n, func(a, b int64) int { return cmp.Compare(keys.I32[a], keys.I32[b]) })
	case where.Int64:
		order = argsort(n, func(a, b int64) int { return cmp.Compare(keys.I64[a], keys.I64[b]) })
	case where.Float32:
		order = argsort(n, func(a, b int64) int { return compareFloats(float64(keys.F32[a]), float64(keys.F32[b])) })
	case where.Float64:
		order = argsort(n, func(a, b int64) int { return compareFloats(keys.F64[a], keys.F64[b]) })
	default:
		order = argsort(n, func(a, b int64) int { return bytes.Compare(cell(keys, a), cell(keys, b)) })
	}
	source := sources(rows)
	for i, at := range order {
		order[i] = source[at]
	}
	return order
}

func argsort(n int, less func(a, b int64) int) []int64 {
	order := make([]int64, n)
	for i := range order {
		order[i] = int64(i)
	}
	slices.SortStableFunc(order, less)
	return order
}

// compareFloats puts NaN last.
func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	return cmp.Compare(btoi(math.IsNaN(a)), btoi(math.IsNaN(b)))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cell is a string without the zeros it is padded with, as NumPy compares them.
func cell(v where.Vector, i int64) []byte {
	return bytes.TrimRight(v.Bytes[v.Off[i]:v.Off[i+1]], "\x00")
}

// sources writes the source rows of a sequence out.
func sources(s sequence) rowList {
	if l, ok := s.(rowList); ok {
		return l
	}
	out := make(rowList, 0, s.Len())
	for _, r := range s.Runs(nil, 0, s.Len(), 0) {
		for k := range r.n {
			out = append(out, r.src+k*r.step)
		}
	}
	return out
}
