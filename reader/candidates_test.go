package reader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// someCondition compares indexed columns with constants near their values.
func someCondition(r *rand.Rand) string {
	comparison := []string{"==", "<", "<=", ">", ">="}
	term := func() string {
		op, not := comparison[r.IntN(5)], []string{"", "~"}[min(1, r.IntN(6)/5)] // of floats NaN is in the opposite
		switch r.IntN(6) {
		case 5: // as engines ask that order NaN above everything
			column, c := []string{"f4", "f8"}[r.IntN(2)], r.NormFloat64()*50
			return []string{fmt.Sprintf("((%s %s %.2f) | (%s != %s))", column, op, c, column, column), fmt.Sprintf("((%s != %s) | (%s %s %.2f))", column, column, column, op, c)}[r.IntN(2)]
		case 0:
			return fmt.Sprintf("%s(i4 %s %d)", not, op, r.IntN(2000)-1000)
		case 1:
			return fmt.Sprintf("%s(f8 %s %.3f)", not, op, r.NormFloat64()*100)
		case 2:
			return fmt.Sprintf("(i1 %s %d)", op, r.IntN(300)-150)
		case 3:
			return fmt.Sprintf("%s(f4 %s %.2f)", not, op, r.NormFloat64()*10)
		}
		return fmt.Sprintf("(%d < i4) & (i4 %s %d)", r.IntN(1000)-1000, []string{"<", "<="}[r.IntN(2)], r.IntN(1000))
	}
	c := term()
	for range r.IntN(3) {
		c += []string{" & ", " | "}[min(r.IntN(4), 1)] + term()
	}
	return c
}

func places(t *testing.T, d *Dataset, r Request) ([]int64, error) {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	var all rows.Span
	all, err = rows.Slice(r.Start, r.Stop, r.Step, d.rows())
	require.NoError(t, err)
	found, err := searchOf(p).Rows(context.Background(), all, rows.PageOf(r))
	if err != nil {
		return nil, err
	}
	defer found.Close()
	return append([]int64{}, rows.Expand(nil, found.Runs(nil, 0, found.Len(), 0))...), found.Err
}

func TestIndexesChangeNoAnswer(t *testing.T) {
	f := indexed(t, 64<<20)
	rng := rand.New(rand.NewPCG(7, 8))
	served := 0
	for _, name := range append([]string{"dirty"}, tablesWithIndexes...) {
		d, err := f.Dataset(context.Background(), "/"+name)
		require.NoError(t, err)
		for range drawn(100) {
			condition := someCondition(rng)
			r := Request{Where: &condition, Index: match.IndexOff}
			if rng.IntN(3) == 0 {
				start, step := rng.Int64N(d.rows()+1), []int64{1, 3, -1, -2}[rng.IntN(4)]
				r.Start, r.Step = &start, &step
			}
			if rng.IntN(4) == 0 {
				limit := rng.Int64N(20)
				r.Limit, r.Offset = &limit, limit%7
			}
			want, err := places(t, d, r)
			require.NoError(t, err)
			r.Index = match.IndexAuto
			got, err := places(t, d, r)
			require.NoError(t, err)
			require.Equal(t, want, got, "%s %s", name, condition)
			r.Index = match.IndexOnly
			if got, err = places(t, d, r); err != nil {
				require.ErrorIs(t, err, fault.Precondition)
				require.False(t, name != "dirty" && name != "behind" && !strings.ContainsAny(condition, "~|"), "%s %s: %v", name, condition, err)
				continue
			}
			served++
			require.Equal(t, want, got, "%s %s", name, condition)
		}
	}
	require.Greater(t, served, drawn(700))
}

func TestIndexesAreUsedWhereTheyPay(t *testing.T) {
	f := indexed(t, 64<<20)
	d, err := f.Dataset(context.Background(), "/full9")
	require.NoError(t, err)
	for condition, used := range map[string]bool{"i4 == 5": true, "i4 > -100000": false, "i4 != 5": false, "(i4 == 5) | (f8 > 3)": false} {
		p, err := d.Plan(context.Background(), Request{Where: &condition})
		require.NoError(t, err)
		x, err := p.Explain(context.Background())
		require.NoError(t, err)
		require.Equal(t, used, strings.HasPrefix(x.Index, "used"), condition)
	}
	dirty, err := f.Dataset(context.Background(), "/dirty")
	require.NoError(t, err)
	condition := "i4 == 5"
	_, err = places(t, dirty, Request{Where: &condition, Index: match.IndexOnly})
	require.ErrorIs(t, err, fault.Precondition)
	require.ErrorContains(t, err, "dirty")
}

// TestIndexServesWhatOrdersNaN: SQL's and Polars' x > c, of which NaN is, too.
func TestIndexServesWhatOrdersNaN(t *testing.T) {
	d, err := indexed(t, 64<<20).Dataset(context.Background(), "/full9")
	require.NoError(t, err)
	for _, condition := range []string{"(f8 >= 20) | (f8 != f8)", "(i4 > 0) & ((f4 != f4) | (f4 > 1))"} {
		got, err := places(t, d, Request{Where: &condition, Index: match.IndexOnly})
		require.NoError(t, err)
		want, err := places(t, d, Request{Where: &condition, Index: match.IndexOff})
		require.NoError(t, err)
		require.NotEmpty(t, want)
		require.Equal(t, want, got)
	}
}

// searchOf is the search of a plan with a condition.
func searchOf(p *Plan) *match.Search {
	t := p.read.(*tableRead)
	return t.search(t.scan)
}
