package spill

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/stretchr/testify/require"
)

func TestSortedRowsInMemoryAndOnDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, limit := range []int64{1 << 10, 1 << 20} {
		for _, down := range []bool{false, true} {
			budget := bufpool.NewBudget(limit, 0)
			s, err := NewRows(budget, 3000, 10, down)
			require.NoError(t, err)
			want := make([]int64, 3000)
			for i := range want {
				want[i] = r.Int64N(1e6)
				s.Add(want[i])
			}
			require.NoError(t, s.Finish())
			if down {
				slices.Reverse(want)
			}
			require.Equal(t, limit == 1<<10, s.file != nil)
			for range 50 {
				lo := r.Int64N(3000)
				hi := lo + r.Int64N(3001-lo)
				require.Equal(t, want[lo:hi], append([]int64{}, rows.Expand(nil, s.Runs(nil, lo, hi, 0))...))
			}
			require.NoError(t, s.Err)
			require.True(t, s.Scattered())
			s.Close()
			require.Zero(t, budget.Used())
		}
	}
}

// TestFoundRowsInMemoryAndOnDisk: rows that nobody has counted before are counted by the budget, and leave it for the disk.
func TestFoundRowsInMemoryAndOnDisk(t *testing.T) {
	for _, limit := range []int64{1 << 17, 1 << 24} {
		budget := bufpool.NewBudget(limit, 0)
		s, err := NewRows(budget, 0, 10, false)
		require.NoError(t, err)
		const n = 50_000
		for i := range int64(n) {
			s.Add(2 * i)
			require.Equal(t, s.held, budget.Used())
			require.LessOrEqual(t, s.held, limit/16)
			require.Equal(t, int64(8*cap(s.rows)), s.held)
		}
		require.NoError(t, s.Finish())
		require.Equal(t, limit == 1<<17, s.file != nil)
		require.EqualValues(t, n, s.Len())
		for _, lo := range []int64{0, 1023, 1024, n - 1} {
			require.Equal(t, []int64{2 * lo}, rows.Expand(nil, s.Runs(nil, lo, lo+1, 0)))
		}
		all, err := s.list()
		require.NoError(t, err)
		require.EqualValues(t, 2*(n-1), all[n-1])
		require.Zero(t, budget.Used())
	}
}

// list is all rows, for good.
func (s *Rows) list() (rows.List, error) {
	defer s.Close()
	return slices.Clone(s.Read(0, s.N)), s.Err
}

func TestNoRoomForFoundRows(t *testing.T) {
	s, err := NewRows(bufpool.NewBudget(1<<17, 0), 0, 10, false)
	require.NoError(t, err)
	defer s.Close()
	t.Setenv("TMPDIR", "/no/such/folder")
	for i := range int64(5000) {
		s.Add(i)
	}
	require.ErrorIs(t, s.Finish(), fault.Exhausted)
}

func TestSortedRowsTellWhatCouldNotBeRead(t *testing.T) {
	s, err := NewRows(bufpool.NewBudget(0, 0), 3, 10, false)
	require.NoError(t, err)
	s.Add(1)
	require.NoError(t, s.Finish())
	require.NoError(t, s.file.Truncate(0))
	s.Runs(nil, 0, 1, 0)
	require.ErrorIs(t, s.Err, fault.Exhausted)
	s.Close()
}

// TestBorrowedRowsTellWhatCouldNotBeRead: rows that went to the disk say so, whoever closes them.
func TestBorrowedRowsTellWhatCouldNotBeRead(t *testing.T) {
	for name, as := range map[string]func(s *Rows) rows.Sequence{
		"own":     func(s *Rows) rows.Sequence { return s },
		"lent":    (*Rows).Borrow,
		"section": func(s *Rows) rows.Sequence { return s.Section() },
	} {
		s, err := NewRows(bufpool.NewBudget(0, 0), 3, 10, false)
		require.NoError(t, err)
		s.Add(7)
		s.Add(500)
		require.NoError(t, s.Finish())
		require.NoError(t, s.file.Truncate(0))
		rows := as(s)
		rows.Runs(nil, 0, 2, 0)
		require.ErrorIs(t, rows.(interface{ Broken() error }).Broken(), fault.Exhausted, name)
		s.Close()
	}
}

func TestSectionsOfRowsAreJoined(t *testing.T) {
	for _, limit := range []int64{1 << 17, 1 << 24} {
		budget := bufpool.NewBudget(limit, 0)
		var parts [2]*Rows
		for k := range parts {
			var err error
			parts[k], err = NewRows(budget, 0, 10, false)
			require.NoError(t, err)
			for i := range int64(3 * joinStep) {
				parts[k].Add(2*i + int64(k))
			}
			require.NoError(t, parts[k].Finish())
		}
		left := rows.Rest(parts[0].Section(), 5).(Section)
		all, err := Join(rows.Cut(left, 0, left.N-1).(Section), parts[1])
		require.NoError(t, err)
		parts[0].Close()
		rows, err := all.list()
		require.NoError(t, err)
		require.EqualValues(t, 6*joinStep-6, rows.Len())
		require.Equal(t, []int64{10, 2*3*joinStep - 4, 1, 2*3*joinStep - 1}, []int64{rows[0], rows[3*joinStep-7], rows[3*joinStep-6], rows[rows.Len()-1]})
		require.Zero(t, budget.Used())
	}
}

func TestTemporaryFilesHaveNoName(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f, err := TempFile()
	require.NoError(t, err)
	defer f.Close()
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
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
		s, err := NewRows(bufpool.NewBudget(1<<20, 0), 10000, 64, false)
		require.NoError(t, err)
		for i := range int64(10000) {
			s.Add(c.row(i))
		}
		require.Equal(t, c.want, s.Scattered(), name)
		s.Close()
	}
}
