package ptindex

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// made is an index built here the way PyTables builds one, without its optimisation.
type made struct {
	Shape
	sorted  [][]uint64
	indices [][]uint64
}

func (m *made) Sorted(_ context.Context, part, lo, hi int64) (Keys, error) {
	return Keys{Num: slices.Clone(m.sorted[part][lo:hi])}, nil
}

func (m *made) Indices(_ context.Context, part, lo, hi int64) ([]uint64, error) {
	return slices.Clone(m.indices[part][lo:hi]), nil
}

// build indexes values as Index.initial_append does, part by part.
func build(t *testing.T, s Shape, values []int64) *Index {
	t.Helper()
	n := int64(len(values))
	s.Class, s.TableRows = Int, n
	s.Slices, s.Last = n/s.Slice, n%s.Slice
	s.LastKeys = (s.Last + s.Reduction - 1) / s.Reduction
	require.NoError(t, s.Check())
	m := &made{Shape: s}
	var ranges, bounds Keys
	for part := range s.Parts() {
		first := part * s.Slice
		order := make([]int64, s.values(part))
		for i := range order {
			order[i] = first + int64(i)
		}
		slices.SortFunc(order, func(a, b int64) int { return int(values[a] - values[b]) })
		var keys, idx []uint64
		for i, row := range order {
			if int64(i)%s.Reduction == 0 {
				keys = append(keys, OfInt(values[row]))
			}
			idx = append(idx, stored(s, part, row))
		}
		m.sorted, m.indices = append(m.sorted, keys), append(m.indices, idx)
		ranges.Num = append(ranges.Num, keys[0], OfInt(values[order[len(order)-1]]))
		for at := s.keyChunk(); at < int64(len(keys)); at += s.keyChunk() {
			bounds.Num = append(bounds.Num, keys[at])
		}
	}
	x, err := New(s, ranges, bounds, m)
	require.NoError(t, err)
	return x
}

// stored is what PyTables writes for a row.
func stored(s Shape, part, row int64) uint64 {
	b, first := s.Bucket(), part*s.Slice
	switch s.IndexSize {
	case 8:
		return uint64(row)
	case 4:
		return uint64(row / b)
	case 2:
		block := s.Block / s.Slice
		return uint64((part%block)*s.Slice/b + row/b - first/b)
	}
	return uint64(row/b-first/b) & 0xff
}

func TestRowsAreASupersetOfEveryKind(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ctx := context.Background()
	for range 600 {
		s := Shape{IndexSize: []int{1, 2, 4, 8}[r.IntN(4)], Chunk: 1 + r.Int64N(12), Reduction: 1, TableChunk: 1 + r.Int64N(20)}
		if s.IndexSize < 8 {
			s.Reduction = 1 + r.Int64N(min(4, s.Chunk))
		}
		s.Slice = s.Reduction * s.Chunk * (1 + r.Int64N(40))
		s.Block = s.Slice * (1 + r.Int64N(4))
		values := make([]int64, r.IntN(2000))
		for i := range values {
			values[i] = r.Int64N(60)
		}
		x := build(t, s, values)
		lo, hi := r.Int64N(62)-1, r.Int64N(62)-1
		rg := Range{Bound{lo, r.IntN(2) == 0}, Bound{hi, r.IntN(2) == 0}}
		got, err := x.Rows(ctx, []Range{rg})
		require.NoError(t, err)
		require.LessOrEqual(t, int64(len(got)), x.Estimate(rg.Lo, rg.Hi), "%+v", s)
		for row, v := range values {
			in := (v > lo || v == lo && !rg.Lo.Open) && (v < hi || v == hi && !rg.Hi.Open)
			_, have := slices.BinarySearch(got, int64(row))
			require.True(t, have || !in, "%+v %v: row %d of value %d", s, rg, row, v)
			require.True(t, in || !have || s.IndexSize < 8, "%+v %v: row %d of value %d is too much", s, rg, row, v)
		}
	}
}

func TestOrderIsPythonsRangeOverTheSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := Shape{IndexSize: 8, Chunk: 4, Slice: 16, Block: 16, Reduction: 1, TableChunk: 10}
	values := make([]int64, 100)
	for i := range values {
		values[i] = int64(i/16*16 + (i*7)%16)
	}
	x := build(t, s, values)
	require.True(t, x.Sorted())
	for range 500 {
		start, stop, step := r.Int64N(100), r.Int64N(101)-1, []int64{1, 2, 17, -1, -3, -40}[r.IntN(6)]
		want := 0
		for at := start; step > 0 && at < stop || step < 0 && at > stop; at += step {
			want++
		}
		got, err := x.Order(context.Background(), start, stop, step)
		require.NoError(t, err)
		require.Len(t, got, want)
		for i, row := range got {
			require.Equal(t, sortedAt(values, start+int64(i)*step), values[row])
		}
	}
	_, err := x.Order(context.Background(), 0, 101, 1)
	require.ErrorIs(t, err, fault.OutOfRange)
}

func sortedAt(values []int64, at int64) int64 {
	s := slices.Sorted(slices.Values(values))
	return s[at]
}

func TestKeysAreOrderedAsTheValues(t *testing.T) {
	floats := []float64{math.Inf(-1), -math.MaxFloat64, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 1, math.Inf(1), math.NaN()}
	for i := 1; i < len(floats); i++ {
		require.Less(t, OfFloat(floats[i-1]), OfFloat(floats[i]))
	}
	require.Equal(t, OfFloat(0), OfFloat(math.Copysign(0, -1)))
	ints := []int64{math.MinInt64, -1, 0, 1, math.MaxInt64}
	for i := 1; i < len(ints); i++ {
		require.Less(t, OfInt(ints[i-1]), OfInt(ints[i]))
	}
}

// TestEdgesMoveOutwards holds bounds of another type than the column's to every value a comparison could mean.
func TestEdgesMoveOutwards(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20000 {
		v := int64(r.Uint64()) >> r.IntN(64)
		b := float64(v)
		switch r.IntN(3) {
		case 0:
			b = float64(float32(v))
		case 1:
			b = math.Nextafter(b, 0)
		}
		lo, ok := Bound{Value: b, Open: true}.edge(Int, -1)
		require.True(t, ok)
		hi, ok := Bound{Value: b, Open: true}.edge(Int, 1)
		require.True(t, ok)
		if float64(v) >= b || float32(v) >= float32(b) {
			require.GreaterOrEqual(t, OfInt(v), lo.key.Num[0])
		}
		if float64(v) <= b || float32(v) <= float32(b) {
			require.LessOrEqual(t, OfInt(v), hi.key.Num[0])
		}
	}
	for _, c := range []struct {
		value any
		class Class
	}{{"a", Int}, {int64(1), Bytes}, {1.5, Bytes}, {math.NaN(), Float64}, {struct{}{}, Int}} {
		_, ok := Bound{Value: c.value}.edge(c.class, -1)
		require.False(t, ok, "%v", c)
	}
}

func TestShapesThatContradictThemselves(t *testing.T) {
	good := Shape{Block: 64, Slice: 32, Chunk: 8, Reduction: 2, IndexSize: 2, Slices: 3, Last: 5, LastKeys: 3, TableChunk: 10, TableRows: 101}
	require.NoError(t, good.Check())
	for _, spoil := range []func(*Shape){
		func(s *Shape) { s.Block = 16 }, func(s *Shape) { s.Slice = 0 }, func(s *Shape) { s.Chunk = -1 }, func(s *Shape) { s.Chunk = 64 },
		func(s *Shape) { s.Reduction = 3 }, func(s *Shape) { s.IndexSize = 3 }, func(s *Shape) { s.IndexSize = 8 }, func(s *Shape) { s.Slices = -1 },
		func(s *Shape) { s.Slices = math.MaxInt64 }, func(s *Shape) { s.Last = 33 }, func(s *Shape) { s.LastKeys = 2 },
		func(s *Shape) { s.TableChunk = 0 }, func(s *Shape) { s.TableRows = 100 }, func(s *Shape) { s.Block = math.MaxInt64 },
	} {
		s := good
		spoil(&s)
		require.ErrorIs(t, s.Check(), fault.DataLoss, "%+v", s)
	}
	_, err := New(good, Keys{Num: make([]uint64, 7)}, Keys{Num: make([]uint64, 9)}, nil)
	require.ErrorIs(t, err, fault.DataLoss)
	_, err = New(good, Keys{Num: make([]uint64, 8)}, Keys{Num: make([]uint64, 8)}, nil)
	require.ErrorIs(t, err, fault.DataLoss)
}

// hostile gives whatever bytes say.
type hostile struct{ b []byte }

func (h hostile) at(i int64) uint64 {
	if len(h.b) == 0 {
		return 0
	}
	v := uint64(h.b[i%int64(len(h.b))])
	if v > 250 {
		return math.MaxUint64 - v
	}
	return v
}

func (h hostile) list(lo, hi int64) []uint64 {
	out := make([]uint64, hi-lo)
	for i := range out {
		out[i] = h.at(lo + int64(i))
	}
	return out
}

func (h hostile) Sorted(_ context.Context, _, lo, hi int64) (Keys, error) {
	return Keys{Num: h.list(lo, hi)}, nil
}

func (h hostile) Indices(_ context.Context, _, lo, hi int64) ([]uint64, error) {
	return h.list(lo, hi), nil
}

// FuzzIndex searches indexes that no PyTables wrote: rows stay inside the table, ascending, and nothing panics.
func FuzzIndex(f *testing.F) {
	f.Add(int64(64), int64(32), int64(8), int64(2), uint8(1), int64(3), int64(5), int64(10), int64(101), []byte{1, 2, 3, 200})
	f.Add(int64(16), int64(16), int64(4), int64(1), uint8(3), int64(2), int64(0), int64(10), int64(40), []byte{255, 31, 7})
	f.Add(int64(1000), int64(300), int64(1), int64(1), uint8(0), int64(1), int64(1), int64(1), int64(400), []byte{9})
	f.Fuzz(func(t *testing.T, block, slice, chunk, reduction int64, size uint8, parts, last, tableChunk, rows int64, data []byte) {
		if slice > 1<<12 || parts > 1<<6 || rows > 1<<20 {
			return // what a test has time for
		}
		s := Shape{Block: block, Slice: slice, Chunk: chunk, Reduction: reduction, IndexSize: 1 << (size % 4), Slices: parts, Last: last,
			TableChunk: tableChunk, TableRows: rows}
		if reduction > 0 {
			s.LastKeys = (last + reduction - 1) / reduction
		}
		if s.Check() != nil {
			return
		}
		h := hostile{data}
		bounds := s.Slices*s.Bounds(0) + s.Bounds(s.Slices)
		x, err := New(s, Keys{Num: h.list(0, 2*s.Parts())}, Keys{Num: h.list(0, bounds)}, h)
		if err != nil {
			return
		}
		got, err := x.Rows(context.Background(), []Range{{Lo: Bound{Value: int64(-1 << 63)}, Hi: Bound{Value: float64(3)}}, {Lo: Bound{Value: int64(h.at(0))}, Hi: Bound{Value: int64(h.at(0))}}})
		if err == nil {
			require.True(t, slices.IsSorted(got))
			require.True(t, len(got) == 0 || got[0] >= 0 && got[len(got)-1] < rows)
		}
		if x.Sorted() {
			_, _ = x.Order(context.Background(), x.Indexed()-1, -1, -3)
		}
	})
}
