package reader

import (
	"context"
	"testing"

	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/stretchr/testify/require"
)

func explained(t *testing.T, d *Dataset, r Request) *explain.Explanation {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	x, err := p.Explain(context.Background())
	require.NoError(t, err)
	return x
}

func TestExplain(t *testing.T) {
	withStats(t, clustered(t), Config{}, func(f *File) {
		pick, step := "3:9, 1, :", int64(65)
		_, stored, err := frameOf(t, f, "/table").Storage()
		require.NoError(t, err)
		for _, c := range []struct {
			path    string
			r       Request
			touched int64
			bytes   int64
			result  int64
		}{
			{"/table", Request{}, 55, int64(stored), 2000},
			{"/line", Request{Start: num(150), Stop: num(350)}, 3, 2400, 200},
			{"/line", Request{Coordinates: []int64{5, -1, 7, 5, 250}}, 3, 2400, 5},
			{"/line", Request{Start: num(350), Stop: num(150), Step: num(-1)}, 3, 2400, 200},
			{"/grid", Request{}, 10, 1260, 30},
			{"/grid", Request{Select: &pick}, 2, 420, 6},
			{"/gaps", Request{Step: &step}, 16, 1024, 16},
			{"/gaps", Request{}, 16, 1024, 1000},
			{"/one", Request{}, 1, 4, 1},
			{"/none", Request{}, 0, 0, 0},
		} {
			x := explained(t, frameOf(t, f, c.path), c.r)
			require.Equal(t, []int64{c.touched, c.bytes, c.result}, []int64{x.Touched, x.Bytes, x.Result}, "%s %+v", c.path, c.r)
			require.False(t, x.Estimated)
			require.NotEmpty(t, x.Words)
		}
		sorted := explained(t, frameOf(t, f, "/table"), Request{SortBy: "i4"})
		require.Contains(t, sorted.Index, "not used")
		require.Equal(t, "ascending by i4", sorted.Order)
	})
	f := indexed(t, 64<<20)
	x := explained(t, frameOf(t, f, "/full9"), ask("i4 == 5"))
	require.Contains(t, x.Index, "used: column i4, at most")
	x = explained(t, frameOf(t, f, "/full9"), ask("i4 > -100000"))
	require.Contains(t, x.Index, "not used: that of i4 may leave")
	x = explained(t, frameOf(t, f, "/full9"), Request{SortBy: "i4"})
	require.Contains(t, x.Index, "order of column i4")
}

// A frame is told by its parts, of which all have its rows.
func TestExplainFrame(t *testing.T) {
	f := frameFile(t, "pandas.h5", 0)
	x := explained(t, frameOf(t, f, "/fixed"), Request{Start: num(1)})
	require.Equal(t, []int64{4, 3}, []int64{x.Rows, x.Result})
	require.Greater(t, len(x.Parts), 1)
	require.Len(t, x.Fields, 8)
	x = explained(t, frameOf(t, f, "/empty"), Request{})
	require.Equal(t, []int64{0, 0}, []int64{x.Rows, x.Result})
	x = explained(t, frameOf(t, f, "/table"), ask("n > 1"))
	require.Equal(t, int64(4), x.Rows)
	require.Equal(t, []string{"n"}, x.Condition)
}
