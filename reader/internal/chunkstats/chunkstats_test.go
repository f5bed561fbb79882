package chunkstats

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/bufpool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKeysAreInOrder(t *testing.T) {
	ints := []int64{math.MinInt64, -1 << 53, -1, 0, 1, 1<<53 + 1, math.MaxInt64}
	floats := []float64{math.Inf(-1), -math.MaxFloat64, -1, -5e-324, math.Copysign(0, -1), 0, 5e-324, 2, math.Inf(1)}
	for i, v := range ints {
		require.Equal(t, v, IntOf(keyOfInt(v)))
		require.True(t, i == 0 || keyOfInt(v) > keyOfInt(ints[i-1]))
	}
	for i, v := range floats {
		require.Equal(t, math.Float64bits(v), math.Float64bits(FloatOf(keyOfFloat(v))))
		require.True(t, i == 0 || keyOfFloat(v) > keyOfFloat(floats[i-1]))
	}
}

// TestMeterCountsParts meters a column in parts, and the parts' statistics joined.
func TestMeterCountsParts(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := array.NewFloat64Builder(mem)
		n := 1 + rng.IntN(40)
		want := Stat{}
		lo, hi := math.Inf(1), math.Inf(-1)
		for range n {
			switch v := rng.NormFloat64(); rng.IntN(5) {
			case 0:
				b.AppendNull()
				want.Null++
			case 1:
				b.Append(math.NaN())
				want.NaN++
			default:
				b.Append(v)
				lo, hi, want.Has = min(lo, v), max(hi, v), true
			}
		}
		if want.Has {
			want.Lo, want.Hi = keyOfFloat(lo), keyOfFloat(hi)
		}
		a := b.NewArray()
		var whole, joined Meter
		for at := 0; at < n; {
			part := 1 + rng.IntN(n-at)
			whole.Take(a, at, part)
			var one Meter
			one.Take(a, at, part)
			joined.Join(Float, one.Stat())
			at += part
		}
		require.Equal(t, want, whole.Stat())
		require.Equal(t, want, joined.Stat())
		a.Release()
		b.Release()
	}
}

func TestMeterAllocatesNothingForNumbers(t *testing.T) {
	b := array.NewInt16Builder(memory.DefaultAllocator)
	b.AppendValues(make([]int16, 1000), nil)
	a := b.NewArray()
	var m Meter
	require.Zero(t, testing.AllocsPerRun(10, func() { m.Reset(); m.Take(a, 0, 1000) }))
}

func texts(words ...string) Stat {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for _, w := range words {
		b.Append([]byte(w))
	}
	var m Meter
	m.Take(b.NewArray(), 0, len(words))
	return m.Stat()
}

func TestTexts(t *testing.T) {
	s := texts("b", "a\x00", "\xff", "")
	require.Equal(t, []string{"", "\xff"}, []string{string(s.Min), string(s.Max)})
	s = texts("b", "a\x00", "a\x00b\x00")
	require.Equal(t, []string{"a", "b"}, []string{string(s.Min), string(s.Max)})
	long := texts("b", string(bytes.Repeat([]byte("x"), MaxText+1)))
	require.True(t, long.Long && !long.Has)
	var m Meter
	m.Join(Text, long)
	m.Join(Text, s)
	require.True(t, m.Stat().Long && !m.Stat().Has)
}

func filled(budget *bufpool.Budget) *Set {
	s := NewSet(budget, nil)
	t := s.Table(800, 5, 100)
	t.Put(0, Int, 0, Stat{Has: true, Lo: keyOfInt(-5), Hi: keyOfInt(7)})
	t.Put(0, Int, 4, Stat{Null: 9})
	t.Put(2, Text, 1, texts("b", "ccc"))
	t.Put(2, Text, 3, texts(string(bytes.Repeat([]byte("x"), 300))))
	t.Put(3, Float, 2, Stat{NaN: 1 << 40})
	s.Table(900, 1, 1).Put(0, Uint, 0, Stat{Has: true, Lo: 1, Hi: math.MaxUint64})
	return s
}

// TestColumnsAreKept: what News gives is what Kept has to give, column by column as they are asked for.
func TestColumnsAreKept(t *testing.T) {
	budget := bufpool.NewBudget(1<<20, 0)
	s := filled(budget)
	kept := map[[2]uint64][]byte{}
	for _, n := range s.News() {
		kept[[2]uint64{n.Addr, uint64(n.Col)}] = n.Bytes()
	}
	require.Len(t, kept, 4)
	require.Empty(t, s.News())
	s.Again(800, 2)
	news := s.News()
	require.Len(t, news, 1)
	require.Equal(t, 2, news[0].Col)

	asked := 0
	again := NewSet(budget, func(addr uint64, col int, _ int64) []byte {
		asked++
		return kept[[2]uint64{addr, uint64(col)}]
	})
	require.False(t, again.Loaded(800))
	for addr, w := range s.tables {
		g := again.Table(addr, w.chunks, w.rows)
		for col, c := range w.columns {
			require.Equal(t, w.Known(col), g.Known(col))
			for chunk := range w.chunks {
				a, okA := w.Get(col, c.class, chunk)
				b, okB := g.Get(col, c.class, chunk)
				require.Equal(t, okA, okB)
				require.Equal(t, a, b)
			}
		}
	}
	require.True(t, again.Loaded(800))
	require.Zero(t, again.Table(800, 5, 100).Known(7))
	require.Equal(t, 5, asked, "each once")
	require.Zero(t, again.Table(800, 5, 99).Known(0), "of chunks of other rows")
	again.Close()
	s.Close()
	require.Zero(t, budget.Used())
}

func TestSetIsBounded(t *testing.T) {
	budget := bufpool.NewBudget(600, 0)
	s := NewSet(budget, nil)
	tab := s.Table(1, 20, 10)
	tab.Put(0, Int, 3, Stat{Has: true})
	tab.Put(1, Int, 3, Stat{Has: true})
	require.EqualValues(t, 1, tab.Known(0))
	require.Zero(t, tab.Known(1), "no room")
	require.EqualValues(t, 20*entryBytes, budget.Used())
	_, ok := tab.Get(0, Float, 3)
	require.False(t, ok, "of another class")
	huge := s.Table(2, math.MaxInt64, 10)
	huge.Put(0, Int, 3, Stat{Has: true})
	require.Zero(t, huge.Known(0))
	s.Close()
	require.Zero(t, budget.Used())
	tab.Put(0, Int, 4, Stat{Has: true})
	_, ok = tab.Get(0, Int, 3)
	require.False(t, ok)
}

func TestSetIsShared(t *testing.T) {
	budget := bufpool.NewBudget(1<<20, 0)
	s := NewSet(budget, nil)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			tab := s.Table(1, 1000, 10)
			for i := range int64(1000) {
				tab.Put(0, Text, i, texts(fmt.Sprint(i), fmt.Sprint(i+1000)))
				got, ok := tab.Get(0, Text, (i*7+int64(w))%1000)
				if ok && (len(got.Min) == 0 || len(got.Max) == 0) {
					panic("half a text")
				}
			}
		})
	}
	all.Wait()
	got, _ := s.Table(1, 1000, 10).Get(0, Text, 500)
	require.Equal(t, "1500", string(got.Min))
	s.Close()
	require.Zero(t, budget.Used())
}

func FuzzDecode(f *testing.F) {
	budget := bufpool.NewBudget(1<<20, 0)
	s := filled(budget)
	for _, n := range s.News() {
		f.Add(n.Bytes())
	}
	s.Close()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, chunks := range []int64{1, 5} {
			s := NewSet(budget, func(_ uint64, _ int, most int64) []byte { return b })
			tab := s.Table(800, chunks, map[int64]int64{1: 1, 5: 100}[chunks])
			if tab.Known(0) > 0 || tab.columns[0] != nil {
				c := tab.columns[0]
				require.Equal(t, b, c.encode(tab))
				for chunk := range chunks {
					tab.Get(0, c.class, chunk)
				}
				tab.Put(0, c.class, 0, Stat{Null: 1})
			}
			s.Close()
			require.Zero(t, budget.Used())
		}
	})
}
