package reader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
)

func matrixFile(t *testing.T, name string, memory int64) *File {
	t.Helper()
	return frameFile(t, "../matrix/"+name, memory)
}

// element is a value of an array as text, a zero as "".
func element(a arrow.Array, i int) string {
	if s := a.ValueStr(i); s != "0" && s != "false" {
		return strings.ReplaceAll(s, "true", "1")
	}
	return ""
}

// dense is a list of rows as the matrix writes them: index=value, joined by blanks.
func dense(t *testing.T, f *File, path string, down bool) []string {
	t.Helper()
	rec, _ := whole(t, frameOf(t, f, "/dense/"+path), Request{})
	list := rec.Column(0).(*array.FixedSizeList)
	n := int(list.DataType().(*arrow.FixedSizeListType).Len())
	rows, columns := list.Len(), n
	if down {
		rows, columns = n, rows
	}
	out := make([]string, rows)
	for i := range rows {
		var words []string
		for j := range columns {
			at := i*n + j
			if down {
				at = j*n + i
			}
			if v := element(list.ListValues(), at); v != "" {
				words = append(words, fmt.Sprint(j, "=", v))
			}
		}
		out[i] = strings.Join(words, " ")
	}
	return out
}

// listedRows is the rows of a record of a matrix, as dense has them. Zeros may be stored.
func listedRows(rec arrow.Record) []string {
	list := rec.Column(0).(*array.List)
	elements := list.ListValues().(*array.Struct)
	out := make([]string, list.Len())
	for i := range out {
		from, to := list.ValueOffsets(i)
		var words []string
		for k := int(from); k < int(to); k++ {
			if v := element(elements.Field(1), k); v != "" {
				words = append(words, elements.Field(0).ValueStr(k)+"="+v)
			}
		}
		out[i] = strings.Join(words, " ")
	}
	return out
}

func TestMatrices(t *testing.T) {
	f := matrixFile(t, "matrices.h5", 0)
	infos, err := f.Frames(context.Background())
	require.NoError(t, err)
	require.Len(t, infos, 18)
	for _, info := range infos {
		d := frameOf(t, f, info.Path)
		require.Equal(t, "sparse", d.Info().Kind, d.Info().Reason)
		rec, _ := whole(t, d, Request{})
		require.True(t, rec.Schema().Equal(d.Info().Schema))
		require.EqualValues(t, rec.NumRows(), d.Info().Rows)
		name := strings.TrimPrefix(info.Path, "/")
		if name == "empty_rows" || name == "empty_columns" {
			require.Equal(t, make([]string, rec.NumRows()), listedRows(rec))
			continue
		}
		require.Equal(t, dense(t, f, name, strings.HasPrefix(name, "csc")), listedRows(rec), name)
	}
	about := frameOf(t, f, "/csc_int32").Info().Schema.Metadata().ToMap()
	require.Equal(t, "csc", about["sparse.format"])
	require.Equal(t, "[61,17]", about["sparse.shape"])
	require.EqualValues(t, 17, frameOf(t, f, "/csc_int32").Info().Rows)
	require.Equal(t, "list<item: struct<index: uint16, value: float32>>", frameOf(t, f, "/wide").Info().Schema.Field(0).Type.String())
}

// TestMatrixRows asks for drawn rows in all ways, in much and in little memory.
func TestMatrixRows(t *testing.T) {
	all := dense(t, matrixFile(t, "matrices.h5", 0), "big", false)
	for _, k := range []struct {
		path   string
		memory int64
	}{{"/big", 0}, {"/big", 2 << 20}, {"/coarse", 2 << 20}} {
		f := matrixFile(t, "matrices.h5", k.memory)
		d := frameOf(t, f, k.path)
		rng := rand.New(rand.NewPCG(16, uint64(k.memory)))
		for range 100 {
			r, want := drawnRows(rng, int64(len(all)))
			rec, batches := whole(t, d, r)
			rows := []string{}
			for _, i := range want {
				rows = append(rows, all[i])
			}
			require.Equal(t, len(rows), int(rec.NumRows()), "%+v", r)
			require.Equal(t, rows, listedRows(rec), "%+v", r)
			if r.BatchRows > 0 {
				for _, n := range batches {
					require.LessOrEqual(t, n, r.BatchRows)
				}
			}
		}
	}
}

// drawnRows is a request for rows of n, and which they are.
func drawnRows(rng *rand.Rand, n int64) (r Request, want []int64) {
	switch rng.IntN(4) {
	case 0:
		start, step := rng.Int64N(n), rng.Int64N(9)-4
		if step == 0 {
			step = 1
		}
		r.Start, r.Step = &start, &step
		for i := start; i >= 0 && i < n; i += step {
			want = append(want, i)
		}
	case 1:
		for range rng.IntN(200) {
			want = append(want, rng.Int64N(n))
		}
		r.Coordinates = append([]int64{}, want...)
	case 2:
		r.Mask = make([]byte, (n+7)/8)
		for i := range n {
			if rng.IntN(3) == 0 {
				r.Mask[i/8] |= 1 << (i % 8)
				want = append(want, i)
			}
		}
	case 3:
		lo := rng.Int64N(n)
		hi := lo + rng.Int64N(n-lo) + 1
		r.Start, r.Stop = &lo, &hi
		for i := lo; i < hi; i++ {
			want = append(want, i)
		}
	}
	switch rng.IntN(4) {
	case 0:
		r.BatchRows = 1 + rng.Int64N(50)
	case 1:
		r.BatchBytes = 1 << rng.IntN(16)
	case 2:
		r.Stream = &Stream{BlockRows: 1 + rng.Int64N(70)}
	}
	if rng.IntN(3) == 0 {
		limit := rng.Int64N(n)
		r.Offset, r.Limit = rng.Int64N(10), &limit
		want = want[min(r.Offset, int64(len(want))):]
		want = want[:min(limit, int64(len(want)))]
	}
	return r, want
}

// TestMatrixStreams: blocks are those of any other dataset.
func TestMatrixStreams(t *testing.T) {
	f := matrixFile(t, "matrices.h5", 0)
	d, all := frameOf(t, f, "/csr_float32"), dense(t, f, "csr_float32", false)
	seed, cycles := int64(5), int64(2)
	for name, s := range map[string]*Stream{
		"cycles":  {BlockRows: 7, Cyclic: true, Cycles: &cycles},
		"shuffle": {BlockRows: 7, Shuffle: &seed},
		"rows":    {BlockRows: 7, Shuffle: &seed, ShuffleRows: true},
		"from":    {BlockRows: 7, FromBlock: 3},
		"whole":   {},
	} {
		flat, err := frameOf(t, f, "/numbers").Plan(context.Background(), Request{Stream: s})
		require.NoError(t, err)
		var want []string
		var blocks []Block
		run := flat.Run(context.Background())
		for run.Next() {
			for _, i := range run.Record().Column(0).(*array.Int64).Int64Values() {
				want = append(want, all[i])
			}
			blocks = append(blocks, run.Block())
		}
		require.NoError(t, run.Err())
		run.Release()
		p, err := d.Plan(context.Background(), Request{Stream: s})
		require.NoError(t, err)
		require.Equal(t, flat.Rows(), p.Rows())
		var got []string
		var at []Block
		for run = p.Run(context.Background()); run.Next(); at = append(at, run.Block()) {
			got = append(got, listedRows(run.Record())...)
		}
		require.NoError(t, run.Err())
		run.Release()
		require.Equal(t, want, got, name)
		require.Equal(t, blocks, at, name)
	}
}

// TestMatrixParts: the parts of a split request give its rows, once.
func TestMatrixParts(t *testing.T) {
	f := matrixFile(t, "matrices.h5", 0)
	d := frameOf(t, f, "/big")
	p, err := d.Plan(context.Background(), Request{})
	require.NoError(t, err)
	var got []string
	parts := p.Split(4)
	require.Len(t, parts, 4)
	for _, part := range parts {
		rec, _ := whole(t, d, part)
		got = append(got, listedRows(rec)...)
	}
	require.Equal(t, dense(t, f, "big", false), got)
	x, err := p.Explain(context.Background())
	require.NoError(t, err)
	require.Len(t, x.Parts, 3)
	require.Positive(t, x.Bytes)
	require.Positive(t, p.Bytes())
}

func TestMatrixRequestsRefused(t *testing.T) {
	f := matrixFile(t, "matrices.h5", 0)
	all, condition := "0:1", "csr_int32 > 1"
	for what, r := range map[string]Request{
		"select": {Select: &all}, "where": {Where: &condition}, "sort_by": {SortBy: "csr_int32"}, "follow": {Stream: &Stream{Follow: true}},
	} {
		_, err := frameOf(t, f, "/csr_int32").Plan(context.Background(), r)
		require.ErrorIs(t, err, ErrUnsupported)
		require.ErrorContains(t, err, what+" is not served for a sparse matrix")
	}
	_, err := frameOf(t, f, "/csr_int32").Plan(context.Background(), Request{Fields: []string{"data"}})
	require.ErrorIs(t, err, ErrNotFound)
	_, err = frameOf(t, f, "/csr_int32").Plan(context.Background(), Request{Coordinates: []int64{61}})
	require.ErrorIs(t, err, ErrOutOfRange)
	_, err = frameOf(t, f, "/csr_int32").Stats(context.Background(), nil, nil)
	require.ErrorIs(t, err, ErrUnsupported)
}

// hostileMatrices are what is said of matrices that are wrong, by group: when they are asked for, or read.
var hostileMatrices = map[string]struct {
	kind error
	says string
}{
	"down":           {ErrDataLoss, "row 1 begins at element 3 and ends at 2"},
	"beyond":         {ErrDataLoss, "row 2 ends at element 5 of 4"},
	"far":            {ErrDataLoss, "row 2 ends at element 4611686018427387904 of 4"},
	"negative":       {ErrDataLoss, "row 0 begins at element -1 and ends at 1"},
	"index":          {ErrDataLoss, "element 3 has the index 4, the matrix has 4"},
	"index_negative": {ErrDataLoss, "element 1 has the index -1, the matrix has 4"},
	"rows":           {ErrDataLoss, "has 4 pointers, not one more than 4"},
	"values":         {ErrDataLoss, "4 indices and 3 values"},
	"shape":          {ErrDataLoss, "no list of two extents"},
	"shape_negative": {ErrDataLoss, "no list of two extents"},
	"no_shape":       {ErrDataLoss, "missing"},
	"float_pointers": {ErrUnsupported, "are no integers but float64"},
	"square":         {ErrUnsupported, "is no list of numbers"},
	"texts":          {ErrUnsupported, "is no list of numbers"},
	"no_data":        {ErrDataLoss, "/no_data/data of a sparse matrix is missing"},
	"huge":           {ErrDataLoss, "has 4 pointers"},
	"all":            {ErrPrecondition, "takes over 1 GiB"},
}

func TestHostileMatrices(t *testing.T) {
	f := matrixFile(t, "hostile.h5", 64<<20)
	for name, k := range hostileMatrices {
		for _, r := range []Request{{}, {BatchRows: 2}, {Stream: &Stream{BlockRows: 2}}, {Step: num(-1)}} {
			err := failureOf(t, frameOf(t, f, "/"+name), r)
			require.ErrorIs(t, err, k.kind, name)
			require.ErrorContains(t, err, k.says)
			require.ErrorContains(t, err, "/"+name)
		}
	}
	infos, err := f.Frames(context.Background())
	require.NoError(t, err)
	require.Len(t, infos, len(hostileMatrices)+1)
}

// failureOf is the error of a request, of its plan or its run.
func failureOf(t *testing.T, d *Dataset, r Request) error {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	if err != nil {
		return err
	}
	run := p.Run(context.Background())
	defer run.Release()
	for run.Next() {
	}
	return run.Err()
}

// TestVastMatrix: what is declared and not stored is not allocated.
func TestVastMatrix(t *testing.T) {
	f := matrixFile(t, "hostile.h5", 64<<20)
	d := frameOf(t, f, "/void")
	rec, _ := whole(t, d, Request{Start: num(1 << 39), Limit: num(100_000)})
	require.EqualValues(t, 100_000, rec.NumRows())
	require.ErrorIs(t, failureOf(t, d, Request{Stream: &Stream{BlockRows: 1 << 40}}), ErrExhausted)
	rec, _ = whole(t, d, Request{Start: num(-3), BatchRows: 1 << 50})
	require.EqualValues(t, 3, rec.NumRows())
}

// TestMatricesInLittleMemory: many runs at once wait for each other and all come to their end; some are left early.
func TestMatricesInLittleMemory(t *testing.T) {
	f := matrixFile(t, "matrices.h5", 2<<20)
	d := frameOf(t, f, "/big")
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			p, err := d.Plan(context.Background(), Request{BatchRows: int64(1 + i*7)})
			if err != nil {
				t.Error(err)
				return
			}
			run := p.Run(context.Background())
			defer run.Release()
			n := int64(0)
			for run.Next() && (i%4 > 0 || n < 100) {
				n += run.Record().NumRows()
			}
			if run.Err() != nil || i%4 > 0 && n != 300 {
				t.Errorf("%d rows: %v", n, run.Err())
			}
		})
	}
	wg.Wait()
}
