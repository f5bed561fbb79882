package reader

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// drained is all rows of a sorter in order.
func drained(t *testing.T, s *sorter) []int64 {
	t.Helper()
	defer s.close()
	out := []int64{}
	require.NoError(t, s.each(context.Background(), func(at pair) (bool, error) {
		out = append(out, at.row)
		return true, nil
	}))
	return out
}

func iota64(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func TestSorterIsStableInMemoryAndOnDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{0, 1, 2, 100, 5000} {
		for _, span := range []uint64{1, 300, math.MaxUint64} {
			var k ptindex.Keys
			for range n {
				k.Num = append(k.Num, r.Uint64N(span))
			}
			want := iota64(n)
			slices.SortStableFunc(want, func(a, b int64) int { return cmp.Compare(k.Num[a], k.Num[b]) })
			for _, room := range []int64{32 << 10, 1 << 20} {
				s := newSorter(room, int64(n), false)
				for part := range slices.Chunk(iota64(n), 999) {
					require.NoError(t, s.add(ptindex.Keys{Num: k.Num[part[0] : part[0]+int64(len(part))]}, part))
				}
				require.Equal(t, want, drained(t, s), "%d rows, %d bytes", n, room)
			}
		}
	}
}

func TestSorterOfStrings(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	letters := []string{"", "a", "b", "\x00b", "\xff", "aaaaaaaa"}
	for range 30 {
		n := r.IntN(3000)
		var k ptindex.Keys
		for range n {
			key := ""
			for range r.IntN(4) {
				key += letters[r.IntN(len(letters))]
			}
			k.Str = append(k.Str, bytes.TrimRight([]byte(key), "\x00"))
		}
		want := iota64(n)
		slices.SortStableFunc(want, func(a, b int64) int { return bytes.Compare(k.Str[a], k.Str[b]) })
		s := newSorter(64<<10<<r.IntN(5), int64(n), true)
		require.NoError(t, s.add(k, iota64(n)))
		require.Equal(t, want, drained(t, s))
	}
}

func TestSorterStopsWithTheContext(t *testing.T) {
	s := newSorter(64<<10, 10000, false)
	defer s.close()
	require.NoError(t, s.add(ptindex.Keys{Num: make([]uint64, 10000)}, iota64(10000)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.each(ctx, func(pair) (bool, error) { return true, nil }), context.Canceled)
}

func TestTooManyRunsAreExhausted(t *testing.T) {
	s := newSorter(leastBuffer, 1000, false)
	defer s.close()
	require.NoError(t, s.add(ptindex.Keys{Num: make([]uint64, 1000)}, iota64(1000)))
	err := s.each(context.Background(), func(pair) (bool, error) { return true, nil })
	require.ErrorIs(t, err, fault.Exhausted)
}

func TestNoRoomForTemporaryFiles(t *testing.T) {
	t.Setenv("TMPDIR", "/no/such/folder")
	s := newSorter(pairBytes, 10, false)
	err := s.add(ptindex.Keys{Num: make([]uint64, 10)}, iota64(10))
	require.ErrorIs(t, err, fault.Exhausted)
	require.NotContains(t, err.Error(), "/no/such/folder")
}

func TestSortedRowsInMemoryAndOnDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, limit := range []int64{1 << 10, 1 << 20} {
		for _, down := range []bool{false, true} {
			budget := bufpool.NewBudget(limit, 0)
			s, err := newSortedRows(budget, 3000, 10, down)
			require.NoError(t, err)
			want := make([]int64, 3000)
			for i := range want {
				want[i] = r.Int64N(1e6)
				s.add(want[i])
			}
			require.NoError(t, s.finish())
			if down {
				slices.Reverse(want)
			}
			require.Equal(t, limit == 1<<10, s.file != nil)
			for range 50 {
				lo := r.Int64N(3000)
				hi := lo + r.Int64N(3001-lo)
				require.Equal(t, want[lo:hi], append([]int64{}, spread(s.Runs(nil, lo, hi, 0), hi-lo)...))
			}
			require.NoError(t, s.err)
			require.True(t, s.scattered())
			s.close()
			require.Zero(t, budget.Used())
		}
	}
}

// TestFoundRowsInMemoryAndOnDisk: rows that nobody has counted before are counted by the budget, and leave it for the disk.
func TestFoundRowsInMemoryAndOnDisk(t *testing.T) {
	for _, limit := range []int64{1 << 17, 1 << 24} {
		budget := bufpool.NewBudget(limit, 0)
		s, err := newSortedRows(budget, 0, 10, false)
		require.NoError(t, err)
		const n = 50_000
		for i := range int64(n) {
			s.add(2 * i)
			require.Equal(t, s.held, budget.Used())
			require.LessOrEqual(t, s.held, limit/16)
			require.Equal(t, int64(8*cap(s.rows)), s.held)
		}
		require.NoError(t, s.finish())
		require.Equal(t, limit == 1<<17, s.file != nil)
		require.EqualValues(t, n, s.Len())
		for _, lo := range []int64{0, 1023, 1024, n - 1} {
			require.Equal(t, []int64{2 * lo}, spread(s.Runs(nil, lo, lo+1, 0), 1))
		}
		all, err := s.list()
		require.NoError(t, err)
		require.EqualValues(t, 2*(n-1), all[n-1])
		require.Zero(t, budget.Used())
	}
}

// list is all rows, for good.
func (s *sortedRows) list() (rowList, error) {
	defer s.close()
	return slices.Clone(s.read(0, s.n)), s.err
}

func TestNoRoomForFoundRows(t *testing.T) {
	s, err := newSortedRows(bufpool.NewBudget(1<<17, 0), 0, 10, false)
	require.NoError(t, err)
	defer s.close()
	t.Setenv("TMPDIR", "/no/such/folder")
	for i := range int64(5000) {
		s.add(i)
	}
	require.ErrorIs(t, s.finish(), fault.Exhausted)
}

func TestSortedRowsTellWhatCouldNotBeRead(t *testing.T) {
	s, err := newSortedRows(bufpool.NewBudget(0, 0), 3, 10, false)
	require.NoError(t, err)
	s.add(1)
	require.NoError(t, s.finish())
	require.NoError(t, s.file.Truncate(0))
	s.Runs(nil, 0, 1, 0)
	require.ErrorIs(t, s.err, fault.Exhausted)
	s.close()
}

// TestRunTellsOfRowsThatCouldNotBeRead: a run over rows that went to the disk fails where that does, whoever closes them.
func TestRunTellsOfRowsThatCouldNotBeRead(t *testing.T) {
	d := frameOf(t, opened(t, "testdata/follow/state2.h5", 64<<20), "/x")
	for name, as := range map[string]func(s *sortedRows) sequence{
		"own":     func(s *sortedRows) sequence { return s },
		"lent":    (*sortedRows).plain,
		"section": func(s *sortedRows) sequence { return s.all() },
	} {
		s, err := newSortedRows(bufpool.NewBudget(0, 0), 3, 10, false)
		require.NoError(t, err)
		s.add(7)
		s.add(500)
		require.NoError(t, s.finish())
		require.NoError(t, s.file.Truncate(0))
		p, err := d.Plan(context.Background(), Request{})
		require.NoError(t, err)
		p.scan.rows = as(s)
		err = planned{p}.Each(context.Background(), func(arrow.Record) bool { return true })
		require.ErrorIs(t, err, fault.Exhausted, name)
		s.close()
	}
}

func TestSectionsOfRowsAreJoined(t *testing.T) {
	for _, limit := range []int64{1 << 17, 1 << 24} {
		f := opened(t, "testdata/follow/state2.h5", 64<<20)
		p, err := frameOf(t, f, "/x").Plan(context.Background(), Request{})
		require.NoError(t, err)
		f.eng.mem.Budget = bufpool.NewBudget(limit, 0)
		var parts [2]*sortedRows
		for k := range parts {
			parts[k], err = p.scan.newSortedRows(0, false)
			require.NoError(t, err)
			for i := range int64(3 * placeStep) {
				parts[k].add(2*i + int64(k))
			}
			require.NoError(t, parts[k].finish())
		}
		left := rest(parts[0].all(), 5).(section)
		all, err := joined2(cutOf(left, 0, left.n-1).(section), parts[1])
		require.NoError(t, err)
		parts[0].close()
		rows, err := all.list()
		require.NoError(t, err)
		require.EqualValues(t, 6*placeStep-6, rows.Len())
		require.Equal(t, []int64{10, 2*3*placeStep - 4, 1, 2*3*placeStep - 1}, []int64{rows[0], rows[3*placeStep-7], rows[3*placeStep-6], rows[rows.Len()-1]})
		require.Zero(t, f.eng.mem.Budget.Used())
	}
}

func TestTemporaryFilesHaveNoName(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f, err := tempFile()
	require.NoError(t, err)
	defer f.Close()
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestSortingGivesEverythingBack ends runs early; opened checks that no byte of the budget stays in use.
func TestSortingGivesEverythingBack(t *testing.T) {
	for _, memory := range []int64{4 << 20, 64 << 20} {
		f := indexed(t, memory)
		d, err := f.Dataset(context.Background(), "/long")
		require.NoError(t, err)
		p, err := d.Plan(context.Background(), Request{SortBy: "i4", BatchRows: 100, Stream: &Stream{Cyclic: true}})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		run := p.Run(ctx)
		require.True(t, run.Next())
		run.Release()
		run = p.Run(ctx)
		cancel()
		require.False(t, run.Next())
		require.ErrorIs(t, run.Err(), context.Canceled)
		run.Release()
	}
}

func TestSortingWithoutDiskFails(t *testing.T) {
	f := indexed(t, 4<<20)
	d, err := f.Dataset(context.Background(), "/long")
	require.NoError(t, err)
	t.Setenv("TMPDIR", "/no/such/folder")
	p, err := d.Plan(context.Background(), Request{SortBy: "i4"})
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	require.False(t, run.Next())
	require.ErrorIs(t, run.Err(), fault.Exhausted)
	require.NotContains(t, run.Err().Error(), "/no/such/folder")
}

// TestSortedEndlesslyAndFromAnyBlock holds streams of sorted rows to one pass over them.
func TestSortedEndlesslyAndFromAnyBlock(t *testing.T) {
	for _, memory := range []int64{4 << 20, 64 << 20} {
		f := indexed(t, memory)
		d, err := f.Dataset(context.Background(), "/long")
		require.NoError(t, err)
		once := column(t, d, Request{Fields: []string{"row"}, SortBy: "i4"})
		cycles := int64(2)
		got := column(t, d, Request{Fields: []string{"row"}, SortBy: "i4", Stream: &Stream{Cyclic: true, Cycles: &cycles, BlockRows: 999, FromBlock: 7}})
		require.Equal(t, append(slices.Clone(once.Num), once.Num...)[7*999:], got.Num)
	}
}

func TestCoordinatesAsTheyAreListed(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, memory := range []int64{4 << 20, 64 << 20} {
		d, err := indexed(t, memory).Dataset(context.Background(), "/long")
		require.NoError(t, err)
		for _, n := range []int{1, 30000, 70000} {
			rows := make([]int64, n)
			for i := range rows {
				rows[i] = r.Int64N(40000)
			}
			got := column(t, d, Request{Fields: []string{"row"}, Coordinates: rows, BatchRows: 5000})
			for i, v := range got.Num {
				require.Equal(t, rows[i], int64(v^1<<63))
			}
			require.Len(t, got.Num, n)
		}
	}
}

func TestScatteredGoesBackAndForth(t *testing.T) {
	for name, c := range map[string]struct {
		row  func(i int64) int64
		want bool
	}{
		"all":         {func(i int64) int64 { return i }, false},
		"all, down":   {func(i int64) int64 { return 9999 - i }, false},
		"sparse":      {func(i int64) int64 { return i * 1000 }, false},
		"sparse down": {func(i int64) int64 { return 1e9 - i*1000 }, false},
		"sweeps":      {func(i int64) int64 { return i * 100 % 10007 }, true},
		"random":      {func(i int64) int64 { return i * 7919 % 10007 }, true},
		"two halves":  {func(i int64) int64 { return (i + 5000) % 10000 }, false},
	} {
		s, err := newSortedRows(bufpool.NewBudget(1<<20, 0), 10000, 64, false)
		require.NoError(t, err)
		for i := range int64(10000) {
			s.add(c.row(i))
		}
		require.Equal(t, c.want, s.scattered(), name)
		s.close()
	}
}

// TestBatchesOfSortedRowsCountTheirPlanning: a row that lies alone takes more to plan than a narrow column's value.
func TestBatchesOfSortedRowsCountTheirPlanning(t *testing.T) {
	d, err := indexed(t, 64<<20).Dataset(context.Background(), "/long")
	require.NoError(t, err)
	p, err := d.Plan(context.Background(), Request{SortBy: "s", Fields: []string{"row"}})
	require.NoError(t, err)
	require.LessOrEqual(t, p.scan.size*runBytes, int64(2*defaultBatch))
}
