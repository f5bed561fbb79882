package reader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/indexdir"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// clustered is a file whose columns rise from chunk to chunk, in a place of its own.
func clustered(t testing.TB) string {
	t.Helper()
	allRested(t)
	name := unpacked(t, "testdata/stats/clustered.h5.gz")
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(name, old, old))
	return name
}

// withStats runs something with a file in an engine of its own.
func withStats(t *testing.T, name string, cfg Config, use func(f *File)) {
	t.Helper()
	cfg.InProcess, cfg.Cache = true, -1 // what is kept of columns would leave nothing to statistics
	eng, err := NewEngine(cfg)
	require.NoError(t, err)
	f, err := eng.Open(context.Background(), location.Location{Path: name, Name: "clustered.h5"})
	require.NoError(t, err)
	use(f)
	used, _ := eng.Memory()
	require.Zero(t, used, "bytes still held")
	require.NoError(t, eng.Close())
	require.Zero(t, eng.kept.Used(), "bytes of statistics still held")
}

func ask(condition string) Request { return Request{Where: &condition} }

// clusteredTerm compares a column with a constant, most often one of its own values.
func clusteredTerm(r *rand.Rand, path string) string {
	op := []string{"==", "!=", "<", "<=", ">", ">="}[r.IntN(6)]
	near := func(bits int) string {
		return fmt.Sprint(r.Int64N(1<<bits) - 1<<(bits-1))
	}
	float := func() string {
		return []string{fmt.Sprintf("%.2f", r.Float64()*120-60), "0.0", "-0.0", "inf", "-inf", "nan", "1e300"}[max(0, r.IntN(18)-11)]
	}
	column, value := "", ""
	switch path {
	case "/clock":
		column, value = []string{"t4", "t8", "ok"}[r.IntN(3)], ""
		value = map[string]string{"t4": fmt.Sprint(1_000_000 + r.IntN(1500)), "t8": fmt.Sprintf("%.6f", r.Float64()*9-100), "ok": "True"}[column]
		if column == "ok" {
			return []string{"ok", "~ok", "(ok == True)", "(ok != False)"}[r.IntN(4)]
		}
	case "/line":
		column, value = "line", float()
	case "/gaps":
		column, value = "gaps", fmt.Sprint(r.IntN(120)-10)
	default:
		columns := []string{"i1", "i2", "i4", "i8", "u1", "u2", "u4", "f2", "f4", "f8", "n/x", "s", "b"}
		column = columns[r.IntN(len(columns))]
		switch column {
		case "b":
			return []string{"b", "~b", "(b == False)", "(b | (i1 > 0))", "(b ^ (i1 > 100))"}[r.IntN(5)]
		case "s":
			words := []string{"b''", "b'a'", `b'a\x00b'`, "b'bb'", `b'm\xff'`, `b'\x80'`, `b'zz\xc3'`, "b'q'", `b'\xff\xff\xff\xff'`}
			value = words[r.IntN(len(words))]
			if r.IntN(4) == 0 {
				return fmt.Sprintf("(s in (%s, %s))", value, words[r.IntN(len(words))])
			}
		case "f2", "f4", "f8":
			value = float()
		case "i8":
			value = []string{near(62), "9007199254740992", "9007199254740993", "9007199254741000", "9223372036854775807"}[r.IntN(5)]
		case "u1", "i1":
			value = near(9)
		case "u2", "i2":
			value = near(17)
		case "n/x":
			value = near(11)
		default:
			value = near(33)
		}
	}
	switch r.IntN(12) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", value, op, column)
	case 1:
		return fmt.Sprintf("~(%s %s %s)", column, op, value)
	case 2:
		if column != "s" {
			return fmt.Sprintf("(%s * 2 %s %s)", column, op, value)
		}
	}
	return fmt.Sprintf("(%s %s %s)", column, op, value)
}

// someSlice sets start, stop and step as often as not.
func someSlice(rng *rand.Rand, r *Request, n int64) {
	if rng.IntN(2) == 0 {
		step := []int64{1, 1, 2, 5, 40, 77, -1, -3, -38}[rng.IntN(9)]
		start, stop := rng.Int64N(n), rng.Int64N(n)
		if (start > stop) == (step > 0) {
			start, stop = stop, start
		}
		r.Start, r.Stop, r.Step = &start, &stop, &step
	}
	if rng.IntN(4) == 0 {
		limit := rng.Int64N(30)
		r.Limit = &limit
	}
}

// TestStatisticsChangeNoAnswer asks with nothing known, some of it and all of it, and each time without statistics.
func TestStatisticsChangeNoAnswer(t *testing.T) {
	name, rng, skipped := clustered(t), rand.New(rand.NewPCG(5, 6)), int64(0)
	ctx := context.Background()
	for round := range 12 {
		withStats(t, name, Config{Workers: 2, Memory: []int64{4 << 20, 64 << 20}[round%2]}, func(f *File) {
			if round%4 == 3 {
				_, err := frameOf(t, f, "/table").Stats(ctx, nil, nil)
				require.NoError(t, err)
			}
			for range drawn(150) {
				path := []string{"/table", "/table", "/table", "/clock", "/line", "/gaps"}[rng.IntN(6)]
				d := frameOf(t, f, path)
				condition := clusteredTerm(rng, path)
				for range rng.IntN(3) {
					condition += []string{" & ", " | "}[rng.IntN(2)] + clusteredTerm(rng, path)
				}
				r := ask(condition)
				r.Vars = map[string]any{"inf": inf(1), "nan": inf(1) - inf(1)}
				someSlice(rng, &r, d.rows())
				got, err := places(t, d, r)
				require.NoError(t, err, condition)
				p, err := d.Plan(ctx, r)
				require.NoError(t, err)
				x, err := p.Explain(ctx)
				require.NoError(t, err)
				skipped += x.Skipped
				again, err := places(t, d, r)
				require.NoError(t, err)
				r.Index = match.IndexOff
				want, err := places(t, d, r)
				require.NoError(t, err)
				require.Equal(t, want, got, "%s %s", path, condition)
				require.Equal(t, want, again, "%s %s", path, condition)
			}
		})
	}
	require.Greater(t, skipped, int64(drawn(5000)))
}

func inf(sign float64) float64 { return sign * 1e308 * 10 }

// TestStatisticsChangeNoRow compares whole answers: batches, streams and sorted rows.
func TestStatisticsChangeNoRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	withStats(t, clustered(t), Config{Workers: 2}, func(f *File) {
		d := frameOf(t, f, "/table")
		for range 40 {
			r := ask(clusteredTerm(rng, "/table") + " & " + clusteredTerm(rng, "/table"))
			r.Vars = map[string]any{"inf": inf(1), "nan": inf(1) - inf(1)}
			r.Fields, r.Options = []string{"i8", "s", "f4"}, convert.Options{Strings: "binary"}
			someSlice(rng, &r, d.rows())
			switch rng.IntN(4) {
			case 0:
				r.SortBy = "i8"
			case 1:
				r.Stream = &Stream{BlockRows: 1 + rng.Int64N(50)}
			case 2:
				seed := rng.Int64()
				r.Stream = &Stream{Shuffle: &seed, BlockRows: 7}
			}
			got, again := rowsJSON(t, d, r), rowsJSON(t, d, r)
			r.Index = match.IndexOff
			want := rowsJSON(t, d, r)
			require.Equal(t, want, got, *r.Where)
			require.Equal(t, want, again, *r.Where)
		}
	})
}

// counted is a store that counts the chunks loaded.
type countedStore struct {
	store.Store
	n *atomic.Int64
}

func (c countedStore) Load(ctx context.Context, s *store.Scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	return c.Store.Load(ctx, s, chunks, func(i int, e convert.Elems, fill bool) error {
		c.n.Add(1)
		return use(i, e, fill)
	})
}

// loads counts the chunks that a request decodes.
func loads(t *testing.T, d *Dataset, r Request) (rows, chunks int64) {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	var n atomic.Int64
	p.of.(single).scan.Store = countedStore{p.of.(single).scan.Store, &n}
	require.NoError(t, planned{p}.Each(context.Background(), func(r arrow.Record) bool {
		rows += r.NumRows()
		return true
	}))
	return rows, n.Load()
}

func TestSecondConditionTouchesOnlyWhatMayMatch(t *testing.T) {
	name, dir := clustered(t), t.TempDir()
	r := ask("(i4 > 2000000000) & (f8 < 1000)")
	r.Fields = []string{"i8", "i4"}
	rows := int64(0)
	withStats(t, name, Config{Workers: 2, IndexDir: dir}, func(f *File) {
		d := frameOf(t, f, "/table")
		var chunks int64
		rows, chunks = loads(t, d, r)
		require.EqualValues(t, 55, chunks)
		x := explained(t, d, r)
		require.Positive(t, rows)
		again, chunks := loads(t, d, r)
		require.Equal(t, rows, again)
		require.Equal(t, x.Touched, chunks)
		require.Less(t, chunks, int64(8))
		require.Equal(t, 55-chunks, x.Skipped)
		require.Contains(t, x.Words, fmt.Sprintf("statistics skip %d chunks in which no row can match", x.Skipped))
		off := r
		off.Index = match.IndexOff
		_, chunks = loads(t, d, off)
		require.EqualValues(t, 55, chunks)
		require.Zero(t, explained(t, d, off).Skipped)
		none := r
		none.Where = ask("i4 > 3000000000").Where
		_, chunks = loads(t, d, none)
		require.Zero(t, chunks)
	})
	withStats(t, name, Config{IndexDir: dir}, func(f *File) { // another program
		again, chunks := loads(t, frameOf(t, f, "/table"), r)
		require.Equal(t, rows, again)
		require.Less(t, chunks, int64(8))
		f.eng.Refresh(name)
		f, err := f.eng.Open(context.Background(), location.Location{Path: name, Name: "clustered.h5"})
		require.NoError(t, err)
		_, chunks = loads(t, frameOf(t, f, "/table"), r)
		require.EqualValues(t, 55, chunks, "refresh drops them")
	})
	later := time.Now().Add(-time.Minute)
	require.NoError(t, os.Chtimes(name, later, later))
	withStats(t, name, Config{IndexDir: dir}, func(f *File) {
		_, chunks := loads(t, frameOf(t, f, "/table"), r)
		require.EqualValues(t, 55, chunks, "the file changed")
	})
}

// TestChangedFileIsNotSkipped changes the file behind a plan.
func TestChangedFileIsNotSkipped(t *testing.T) {
	name := clustered(t)
	withStats(t, name, Config{}, func(f *File) {
		d := frameOf(t, f, "/table")
		r := ask("i4 > 3000000000")
		r.Fields = []string{"i4"}
		loads(t, d, r)
		p, err := d.Plan(context.Background(), r)
		require.NoError(t, err)
		require.NoError(t, os.Chtimes(name, time.Now(), time.Now()))
		require.ErrorIs(t, planned{p}.Each(context.Background(), func(arrow.Record) bool { return true }), fault.Changed)
	})
}

func TestParametersOfLearning(t *testing.T) {
	withStats(t, clustered(t), Config{Workers: 2}, func(f *File) {
		d := frameOf(t, f, "/table")
		start, stop, step := int64(30), int64(200), int64(1)
		r := ask("i4 > 0")
		r.Fields = []string{"i4"}
		r.Start, r.Stop, r.Step = &start, &stop, &step
		loads(t, d, r)
		known := func() int64 {
			return d.statistics().Table(55, d.info.Chunks[0]).Known(2)
		}
		require.EqualValues(t, 4, known(), "rows 37 to 185: whole chunks alone")
		step = 2
		loads(t, d, r)
		require.EqualValues(t, 4, known())
		start, stop, step = 1999, 1950, -1
		loads(t, d, r)
		require.EqualValues(t, 6, known(), "the last two chunks are whole")
	})
}

func TestNoRoomForStatistics(t *testing.T) {
	withStats(t, clustered(t), Config{}, func(f *File) {
		k, err := indexdir.NewKeeper(800, "")
		require.NoError(t, err)
		f.kept = k.Of(f.loc.Path, f.disk.Identity(), f.version.Sample)
		r := ask("i4 > 2000000000")
		r.Fields = []string{"i4"}
		for range 2 {
			_, chunks := loads(t, frameOf(t, f, "/table"), r)
			require.EqualValues(t, 55, chunks)
		}
		all, err := frameOf(t, f, "/table").Stats(context.Background(), []string{"i4"}, nil)
		require.NoError(t, err)
		require.Positive(t, all.Columns[0].Max)
	})
}

// TestOtherFilesAreNotNoted: what they hold changes without this one.
func TestOtherFilesAreNotNoted(t *testing.T) {
	f := corners(t, "testdata/virtual/growing_earliest.h5", Config{InProcess: true})
	d := frameOf(t, f, "/turns")
	require.Equal(t, "virtual", d.info.Layout)
	require.Nil(t, d.statistics().Table(1, 1))
	all, err := d.Stats(context.Background(), nil, nil)
	require.NoError(t, err)
	require.NotNil(t, all.Columns[0].Min)
	require.EqualValues(t, -1, explained(t, d, Request{}).Bytes)
}

func TestIndexDirMustBePrivate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err := NewEngine(Config{InProcess: true, IndexDir: dir})
	require.ErrorIs(t, err, fault.Denied)
	_, err = NewEngine(Config{InProcess: true, IndexDir: filepath.Join(dir, "a", "b")})
	require.ErrorIs(t, err, fault.Precondition)
}

// TestLimitEndsReading counts what is decoded for a limit that the first chunks satisfy.
func TestLimitEndsReading(t *testing.T) {
	withStats(t, clustered(t), Config{Workers: 1}, func(f *File) {
		d := frameOf(t, f, "/wide")
		for limit, most := range map[int64]int64{0: 0, 3: 1, 40_000: 2} {
			r := ask("wide >= 0")
			r.Limit, r.Index = &limit, match.IndexOff
			rows, chunks := loads(t, d, r)
			require.Equal(t, limit, rows)
			require.Equal(t, most, chunks, "of 64, each of which is a task")
		}
		rows, chunks := loads(t, d, ask("wide >= 0"))
		require.EqualValues(t, 64<<15, rows)
		require.EqualValues(t, 64, chunks)
	})
}
