package rows

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// spread writes runs out as the source row of each place.
func spread(runs []Run, n int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = -1
	}
	for _, r := range runs {
		for k := range r.N {
			out[r.Dst+k] = r.Src + k*r.Step
		}
	}
	return out
}

func TestSliceIsPythons(t *testing.T) {
	bound := func(r *rand.Rand) *int64 {
		if r.IntN(4) == 0 {
			return nil
		}
		return seed(r.Int64N(25) - 12)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		n, start, stop, step := r.Int64N(8), bound(r), bound(r), bound(r)
		if step != nil && *step == 0 {
			continue
		}
		s, err := Slice(start, stop, step, n)
		require.NoError(t, err)
		require.Equal(t, pythonSlice(start, stop, step, n), spread(s.Runs(nil, 0, s.Len(), 0), s.Len()))
	}
	_, err := Slice(nil, nil, seed(0), 3)
	require.ErrorIs(t, err, fault.Invalid)
	for _, extreme := range []int64{math.MinInt64, math.MaxInt64} {
		s, err := Slice(seed(extreme), seed(-extreme), seed(extreme), 5)
		require.NoError(t, err)
		require.LessOrEqual(t, s.Len(), int64(1))
	}
}

// pythonSlice walks from start to stop as the language's reference says.
func pythonSlice(start, stop, step *int64, n int64) []int64 {
	by := int64(1)
	if step != nil {
		by = *step
	}
	at := func(v *int64, missing int64) int64 {
		if v == nil {
			return missing
		}
		if *v < 0 {
			return max(*v+n, -1)
		}
		return min(*v, n)
	}
	out := []int64{}
	if by > 0 {
		for i := max(at(start, 0), 0); i < at(stop, n); i += by {
			out = append(out, i)
		}
		return out
	}
	for i := min(at(start, n-1), n-1); i > at(stop, -1); i += by {
		out = append(out, i)
	}
	return out
}

func TestCoordinatesAndMasks(t *testing.T) {
	l, err := Coordinates([]int64{0, 1, 2, -1, 1, 1}, 5)
	require.NoError(t, err)
	require.Equal(t, List{0, 1, 2, 4, 1, 1}, l)
	require.Equal(t, []Run{{0, 0, 1, 3}, {3, 4, 1, 1}, {4, 1, 1, 1}, {5, 1, 1, 1}}, l.Runs(nil, 0, 6, 0))
	_, err = Coordinates([]int64{0, 5}, 5)
	require.ErrorIs(t, err, fault.OutOfRange)
	require.ErrorContains(t, err, "coordinate 5 is outside the 5 rows")
	_, err = Coordinates([]int64{-6}, 5)
	require.ErrorIs(t, err, fault.OutOfRange)
	l, err = Masked([]byte{0b10000101, 0b1}, 0, 9)
	require.NoError(t, err)
	require.Equal(t, List{0, 2, 7, 8}, l)
	_, err = Masked([]byte{1}, 0, 9)
	require.ErrorIs(t, err, fault.Invalid)
	l, err = Masked([]byte{0b101}, 3, 3)
	require.NoError(t, err)
	require.Equal(t, List{0, 2}, l)
	_, err = Masked([]byte{1}, 1, 3)
	require.ErrorIs(t, err, fault.Invalid)
}

func TestSelectParses(t *testing.T) {
	shape := []int64{6, 5, 4}
	for text, want := range map[string][][]int64{
		"...":             {{0, 1, 2, 3, 4, 5}, {0, 1, 2, 3, 4}, {0, 1, 2, 3}},
		"2":               {{2}, {0, 1, 2, 3, 4}, {0, 1, 2, 3}},
		"1:3, ..., ::2":   {{1, 2}, {0, 1, 2, 3, 4}, {0, 2}},
		"-1, ::-2":        {{5}, {4, 2, 0}, {0, 1, 2, 3}},
		"[3,-6, 3], 4, :": {{3, 0, 3}, {4}, {0, 1, 2, 3}},
		":, [], :":        {{0, 1, 2, 3, 4, 5}, {}, {0, 1, 2, 3}},
		"5:2:-1, 9:":      {{5, 4, 3}, {}, {0, 1, 2, 3}},
	} {
		axes, err := ParseSelect(text, shape)
		require.NoError(t, err, text)
		for i, a := range axes {
			require.Equal(t, want[i], spread(a.runs, a.n), "%s axis %d", text, i)
		}
	}
	for text, kind := range map[string]error{
		"6": fault.OutOfRange, "-7": fault.OutOfRange, "[0,6]": fault.OutOfRange, "99999999999999999999": fault.OutOfRange,
		":,:,:,:": fault.Invalid, "1;2": fault.Invalid, "1:2:0": fault.Invalid, "[0],[0]": fault.Invalid,
		"...,...": fault.Invalid, "": fault.Invalid, "[1": fault.Invalid, "1, :, [0]": fault.Invalid,
		// NumPy takes an ellipsis for a slice here even if it stands for no axis: (2, 6), where h5py gives (6, 2).
		":, 1, ..., [0,2]": fault.Invalid, ":, [0,2], ..., 1": fault.Invalid,
	} {
		_, err := ParseSelect(text, shape)
		require.ErrorIs(t, err, kind, text)
	}
	for _, text := range []string{"1, ..., [0,2]", "..., 1, [0,2]", "1, [0,2], ..."} { // of two axes all agree
		_, err := ParseSelect(text, shape[:2])
		require.NoError(t, err, text)
	}
}

// FuzzSelect holds every index that is understood to the extents of the data.
func FuzzSelect(f *testing.F) {
	for _, text := range []string{"...", "2", "1:3, ..., ::2", "-1, ::-2", "[3,-6, 3], 4, :", ":, [], :", "99999999999999999999:", "[1", "1, :, [0]", "::-9223372036854775808"} {
		f.Add(text, uint8(6), uint8(5), uint8(4))
	}
	f.Fuzz(func(t *testing.T, text string, a, b, c uint8) {
		shape := []int64{int64(a), int64(b), int64(c)}[:len(text)%4]
		axes, err := ParseSelect(text, shape)
		if err != nil {
			require.True(t, fault.Of(err) == fault.Invalid || fault.Of(err) == fault.OutOfRange, "%v", err)
			return
		}
		require.Len(t, axes, len(shape))
		for i, x := range axes {
			require.False(t, x.drop && x.n != 1)
			for _, at := range spread(x.runs, x.n) {
				require.GreaterOrEqual(t, at, int64(0))
				require.Less(t, at, shape[i])
			}
		}
	})
}

func TestSplitCoversEveryPlaceOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		n, extent := 1+r.Int64N(40), 1+r.Int64N(9)
		s, err := Slice(nil, nil, seed([]int64{1, 2, 3, 7, 50, -1, -2, -5}[r.IntN(8)]), n)
		require.NoError(t, err)
		var back []Run
		for _, p := range split(s.Runs(nil, 0, s.Len(), 0), extent) {
			for _, q := range p.runs {
				last := q.Src + (q.N-1)*q.Step
				require.True(t, q.Src >= 0 && q.Src < extent && last >= 0 && last < extent, "inside the chunk")
				back = append(back, Run{q.Dst, p.chunk*extent + q.Src, q.Step, q.N})
			}
		}
		require.Equal(t, spread(s.Runs(nil, 0, s.Len(), 0), s.Len()), spread(back, s.Len()))
	}
}
