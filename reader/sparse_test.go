package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/stretchr/testify/require"
)

// counting is a store that counts the chunks that are read in part, and those that are asked for.
type counting struct {
	store.Store
	n, asked *atomic.Int64
}

func (c counting) AllVerbatim() bool { return c.Store.(store.Located).AllVerbatim() }

func (c counting) MayBeVerbatim(at []int64) (store.Spot, bool) {
	return c.Store.(store.Located).MayBeVerbatim(at)
}

func (c counting) Locate(s store.Spot) (store.ReadPart, error) {
	c.asked.Add(1)
	read, err := c.Store.(store.Located).Locate(s)
	if read != nil {
		c.n.Add(1)
	}
	return read, err
}

// values is what a request gives, value by value, how many chunks were read in part, and how often one was asked for.
func values(t *testing.T, d *Dataset, r Request) (all []string, sparse, asked int64) {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	var c counting
	c.Store, c.n, c.asked = p.of.(single).scan.Store, new(atomic.Int64), new(atomic.Int64)
	p.of.(single).scan.Store = c
	require.NoError(t, planned{p}.Each(context.Background(), func(r arrow.Record) bool {
		text, err := r.MarshalJSON()
		require.NoError(t, err)
		var rows []json.RawMessage
		require.NoError(t, json.Unmarshal(text, &rows))
		for _, row := range rows {
			all = append(all, string(row))
		}
		return true
	}))
	return all, c.n.Load(), c.asked.Load()
}

// TestSparse asks for few rows of large chunks, whose other bytes are then not read.
func TestSparse(t *testing.T) {
	f := opened(t, unpacked(t, "testdata/sparse/sparse.h5.gz"), 64<<20)
	rng := rand.New(rand.NewSource(11))
	for _, name := range []string{"/rows", "/chunked", "/cube", "/pieces", "/contiguous", "/blosc", "/blosc2"} {
		t.Run(name[1:], func(t *testing.T) {
			d := frameOf(t, f, name)
			all, _, _ := values(t, d, Request{})
			sparse := int64(0)
			for range 40 {
				r, rows := someRows(rng, d.rows())
				got, n, _ := values(t, d, r)
				sparse += n
				want := []string{}
				for _, row := range rows {
					want = append(want, all[row])
				}
				require.Equal(t, want, append([]string{}, got...), "%+v", r)
			}
			require.NotZero(t, sparse)
		})
	}
}

// someRows is a request for some of n rows, and which they are.
func someRows(rng *rand.Rand, n int64) (r Request, rows []int64) {
	start := rng.Int63n(n)
	switch rng.Intn(3) {
	case 0:
		for range 1 + rng.Intn(6) {
			rows = append(rows, rng.Int63n(n))
		}
		rows = append(rows, rows[0])
		r.Coordinates = rows
	case 1:
		stop := min(n, start+1+rng.Int63n(4))
		r.Start, r.Stop = &start, &stop
		for i := start; i < stop; i++ {
			rows = append(rows, i)
		}
	default:
		step := 1 + rng.Int63n(n/3)
		back := -step
		r.Start, r.Step = &start, &back
		for i := start; i >= 0; i -= step {
			rows = append(rows, i)
		}
	}
	return r, rows
}

// TestSparseSelect takes parts of the other axes too.
func TestSparseSelect(t *testing.T) {
	f := opened(t, unpacked(t, "testdata/sparse/sparse.h5.gz"), 64<<20)
	for _, name := range []string{"cube", "pieces", "contiguous"} {
		for _, at := range []int{0, 63, 64, 89} {
			sel := fmt.Sprintf("%d:%d, 3:33:20, [29, 2]", at, at+1)
			of := func(j, k int) int { return (31*at + 7*j + k) % 1000 }
			want := []string{fmt.Sprintf(`{%q:[%d,%d,%d,%d]}`, name, of(3, 29), of(3, 2), of(23, 29), of(23, 2))}
			got, _, _ := values(t, frameOf(t, f, "/"+name), Request{Select: &sel})
			require.Equal(t, want, got, "%s of %s", sel, name)
		}
	}
}

// TestAsked counts how often it is asked how a chunk lies: for each once, and only where that could save something. What was
// made smaller does not lie as it is.
func TestAsked(t *testing.T) {
	f := opened(t, unpacked(t, "testdata/sparse/sparse.h5.gz"), 64<<20)
	all, second, few := int64(1), int64(2), int64(3000)
	for name, c := range map[string]struct {
		dataset string
		r       Request
		asked   int64
	}{
		"whole chunks":                {"/blosc", Request{Step: &all}, 2},
		"half of each":                {"/blosc", Request{Step: &second}, 0},
		"few of each":                 {"/blosc", Request{Step: &few}, 2},
		"whole chunks made smaller":   {"/packed", Request{Step: &all}, 0},
		"half of chunks made smaller": {"/packed", Request{Step: &second}, 0},
		"few of chunks made smaller":  {"/packed", Request{Step: &few}, 0},
		"columns of whole chunks":     {"/chunked", Request{Fields: []string{"a"}}, 0},
	} {
		_, _, asked := values(t, frameOf(t, f, c.dataset), c.r)
		require.Equal(t, c.asked, asked, name)
	}
}
