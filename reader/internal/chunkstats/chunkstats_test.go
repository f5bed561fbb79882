package chunkstats

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
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
	s := NewSet(budget)
	t := s.Table(800, 5, 100)
	t.Put(0, Int, 0, Stat{Has: true, Lo: keyOfInt(-5), Hi: keyOfInt(7)})
	t.Put(0, Int, 4, Stat{Null: 9})
	t.Put(2, Text, 1, texts("b", "ccc"))
	t.Put(2, Text, 3, texts(string(bytes.Repeat([]byte("x"), 300))))
	t.Put(3, Float, 2, Stat{NaN: 1 << 40})
	s.Table(900, 1, 1).Put(0, Uint, 0, Stat{Has: true, Lo: 1, Hi: math.MaxUint64})
	return s
}

func same(t *testing.T, want, got *Set) {
	t.Helper()
	for addr, w := range want.tables {
		g := got.tables[addr]
		require.NotNil(t, g)
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
}

func TestSetIsBounded(t *testing.T) {
	budget := bufpool.NewBudget(1000, 0)
	s := NewSet(budget)
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
	s := NewSet(budget)
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

func TestDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d")
	budget, scratch := bufpool.NewBudget(1<<20, 0), bufpool.NewBudget(1<<20, 0)
	d, err := OpenDir(path, scratch)
	require.NoError(t, err)
	of := filepath.Join(t.TempDir(), "x.h5")
	require.NoError(t, os.WriteFile(of, []byte("x"), 0o600))
	id := blockio.Identity{Dev: 1, Ino: 2, Size: 3, Ctime: time.Now().Add(-time.Hour).UnixNano()}
	s := filled(budget)
	defer s.Close()
	fresh := id
	fresh.Ctime = time.Now().UnixNano()
	require.NoError(t, d.Save(of, fresh, s))
	require.Empty(t, names(t, path), "a file that just changed may change again within a tick")
	require.NoError(t, d.Save(of, id, s))
	require.Len(t, names(t, path), 1)
	got := d.Load(of, id, budget)
	same(t, s, got)
	got.Close()
	require.NoError(t, os.Remove(d.name(of)))
	require.NoError(t, d.Save(of, id, s))
	require.Empty(t, names(t, path), "nothing new")

	s.Table(1, 1, 1).Put(0, Int, 0, Stat{Has: true})
	require.NoError(t, d.Save(of, id, s))
	for _, damage := range []func([]byte) []byte{
		func(b []byte) []byte { return nil },
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		func(b []byte) []byte { b[7]++; return b },
	} {
		kept, err := os.ReadFile(d.name(of))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(d.name(of), damage(bytes.Clone(kept)), 0o600))
		empty := d.Load(of, id, budget)
		require.Empty(t, empty.tables)
		empty.Close()
		require.NoError(t, os.WriteFile(d.name(of), kept, 0o600))
	}
	changed := id
	changed.Size++
	empty := d.Load(of, changed, budget)
	require.Empty(t, empty.tables)
	require.Empty(t, names(t, path), "what is of another state is removed")
	empty.Close()
	require.Zero(t, scratch.Used())
}

func names(t *testing.T, dir string) (out []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestDirIsSwept(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o700))
	budget := bufpool.NewBudget(1<<20, 0)
	d, err := OpenDir(dir, budget)
	require.NoError(t, err)
	s := filled(bufpool.NewBudget(1<<20, 0))
	of := filepath.Join(t.TempDir(), "x.h5")
	require.NoError(t, os.WriteFile(of, nil, 0o600))
	require.NoError(t, d.Save(of, blockio.Identity{}, s))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "else"), nil, 0o600))
	require.NoError(t, os.Symlink("/nowhere", filepath.Join(dir, "link"+suffix)))
	_, err = OpenDir(dir, budget)
	require.NoError(t, err)
	require.Len(t, names(t, dir), 3)
	require.NoError(t, os.Remove(of))
	_, err = OpenDir(dir, budget)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"else", "link" + suffix}, names(t, dir))
	require.NoError(t, os.Chmod(dir, 0o770))
	_, err = OpenDir(dir, budget)
	require.ErrorIs(t, err, fault.Denied)
}

func FuzzDecode(f *testing.F) {
	budget := bufpool.NewBudget(1<<20, 0)
	s := filled(budget)
	k := key{"/a/b.h5", blockio.Identity{Dev: 1, Ino: 2, Size: 3, Mtime: 4, Ctime: 5}}
	f.Add(s.encode(k))
	f.Add(NewSet(budget).encode(k))
	s.Close()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > len(magic)+4 { // the checksum is no part of the puzzle
			copy(b, magic)
			seal(b)
		}
		k, s, err := decode(b, budget)
		if err == nil {
			again, copied, err := decode(s.encode(k), budget)
			require.NoError(t, err)
			require.Equal(t, k, again)
			same(t, s, copied)
			copied.Close()
			s.Close()
		}
		require.Zero(t, budget.Used())
	})
}
