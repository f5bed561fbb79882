package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
)

// clustered is a file whose columns rise from chunk to chunk, in a place of its own.
func clustered(t testing.TB) string {
	t.Helper()
	name := unpacked(t, "testdata/stats/clustered.h5.gz")
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(name, old, old))
	return name
}

// withStats runs something with a file in an engine of its own.
func withStats(t *testing.T, name string, cfg Config, use func(f *File)) {
	t.Helper()
	cfg.InProcess = true
	eng, err := NewEngine(cfg)
	require.NoError(t, err)
	f, err := eng.Open(context.Background(), Location{Path: name, Name: "clustered.h5"})
	require.NoError(t, err)
	use(f)
	used, _ := eng.Memory()
	require.Zero(t, used, "bytes still held")
	require.NoError(t, eng.Close())
	require.Zero(t, eng.stats.Used(), "bytes of statistics still held")
}

func ask(condition string) Request { return Request{Where: &condition} }

// said is a column's values by NumPy.
type said struct {
	Values, Null, NaN int64
	Min, Max          any
}

func plainStats(c ColumnStats) said {
	b, _ := json.Marshal(struct{ Min, Max any }{shown(c.Min), shown(c.Max)})
	out := said{Values: c.Values, Null: c.Null, NaN: c.NaN}
	_ = json.Unmarshal(b, &out)
	return out
}

func shown(v any) any {
	switch v := v.(type) {
	case []byte:
		if string(v) != string([]rune(string(v))) {
			return map[string]any{"base64": v}
		}
		return string(v)
	case float64:
		if v > 1e308 {
			return "inf"
		} else if v < -1e308 {
			return "-inf"
		}
	}
	return v
}

func TestStatsAreNumPys(t *testing.T) {
	var want map[string]map[string]struct {
		All    said
		Chunks []said
	}
	b, err := os.ReadFile("testdata/stats/clustered.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &want))
	ctx := context.Background()
	check := func(f *File, path string) {
		chunks := map[string][]said{}
		all, err := frameOf(t, f, path).Stats(ctx, nil, func(c ChunkStats) error {
			for _, col := range c.Columns {
				chunks[col.Name] = append(chunks[col.Name], plainStats(col))
			}
			return nil
		})
		require.NoError(t, err)
		found := 0
		for _, c := range all.Columns {
			if w, ok := want[path][c.Name]; ok {
				found++
				require.Equal(t, w.All, plainStats(c), "%s %s", path, c.Name)
				require.Equal(t, w.Chunks, chunks[c.Name], "%s %s", path, c.Name)
				require.Empty(t, c.Reason)
			} else {
				require.Contains(t, c.Reason, "no order", c.Name)
			}
		}
		require.Len(t, want[path], found)
	}
	name, dir := clustered(t), filepath.Join(t.TempDir(), "stats")
	for _, cfg := range []Config{{Workers: 2}, {Memory: 4 << 20}, {Memory: 16 << 20, StatsDir: dir}, {StatsDir: dir}} {
		withStats(t, name, cfg, func(f *File) {
			_, err := frameOf(t, f, "/table").Stats(ctx, []string{"i4", "n/x"}, nil) // so that part of it is known
			require.NoError(t, err)
			_, err = places(t, frameOf(t, f, "/table"), ask("(s == 'a') & (f4 > 3)"))
			require.NoError(t, err)
			for range 2 {
				for path := range want {
					check(f, path)
				}
			}
		})
	}
}

func TestStatsRefuse(t *testing.T) {
	withStats(t, clustered(t), Config{}, func(f *File) {
		ctx := context.Background()
		_, err := frameOf(t, f, "/table").Stats(ctx, []string{"i44"}, nil)
		require.ErrorIs(t, err, fault.NotFound)
		require.ErrorContains(t, err, "i4")
		_, err = frameOf(t, f, "/table").Stats(ctx, []string{"c"}, nil)
		require.ErrorIs(t, err, fault.Unsupported)
		_, err = frameOf(t, f, "/ragged").Stats(ctx, nil, nil)
		require.ErrorIs(t, err, fault.Unsupported)
		require.ErrorContains(t, err, "list<item: int32")
		none, err := frameOf(t, f, "/none").Stats(ctx, nil, nil)
		require.NoError(t, err)
		require.Nil(t, none.Columns[0].Min)
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		_, err = frameOf(t, f, "/table").Stats(stopped, nil, nil)
		require.ErrorIs(t, err, context.Canceled)
		_, err = frameOf(t, f, "/table").Stats(ctx, nil, func(ChunkStats) error { return errScattered })
		require.ErrorIs(t, err, errScattered)
	})
}

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
			for range 150 {
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
				r.Index = IndexOff
				want, err := places(t, d, r)
				require.NoError(t, err)
				require.Equal(t, want, got, "%s %s", path, condition)
				require.Equal(t, want, again, "%s %s", path, condition)
			}
		})
	}
	require.Greater(t, skipped, int64(5000))
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
			r.Index = IndexOff
			want := rowsJSON(t, d, r)
			require.Equal(t, want, got, *r.Where)
			require.Equal(t, want, again, *r.Where)
		}
	})
}

// counted is a store that counts the chunks loaded.
type countedStore struct {
	store
	n *atomic.Int64
}

func (c countedStore) load(ctx context.Context, s *scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	return c.store.load(ctx, s, chunks, func(i int, e convert.Elems, fill bool) error {
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
	p.store = countedStore{p.store, &n}
	require.NoError(t, p.each(context.Background(), func(r *Run) bool {
		rows += r.Record().NumRows()
		return true
	}))
	return rows, n.Load()
}

func TestSecondConditionTouchesOnlyWhatMayMatch(t *testing.T) {
	name, dir := clustered(t), t.TempDir()
	r := ask("(i4 > 2000000000) & (f8 < 1000)")
	r.Fields = []string{"i8", "i4"}
	rows := int64(0)
	withStats(t, name, Config{Workers: 2, StatsDir: dir}, func(f *File) {
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
		off.Index = IndexOff
		_, chunks = loads(t, d, off)
		require.EqualValues(t, 55, chunks)
		require.Zero(t, explained(t, d, off).Skipped)
		none := r
		none.Where = ask("i4 > 3000000000").Where
		_, chunks = loads(t, d, none)
		require.Zero(t, chunks)
	})
	withStats(t, name, Config{StatsDir: dir}, func(f *File) { // another program
		again, chunks := loads(t, frameOf(t, f, "/table"), r)
		require.Equal(t, rows, again)
		require.Less(t, chunks, int64(8))
		f.eng.Refresh(name)
		f, err := f.eng.Open(context.Background(), Location{Path: name, Name: "clustered.h5"})
		require.NoError(t, err)
		_, chunks = loads(t, frameOf(t, f, "/table"), r)
		require.EqualValues(t, 55, chunks, "refresh drops them")
	})
	later := time.Now().Add(-time.Minute)
	require.NoError(t, os.Chtimes(name, later, later))
	withStats(t, name, Config{StatsDir: dir}, func(f *File) {
		_, chunks := loads(t, frameOf(t, f, "/table"), r)
		require.EqualValues(t, 55, chunks, "the file changed")
	})
}

func explained(t *testing.T, d *Dataset, r Request) *Explanation {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	x, err := p.Explain(context.Background())
	require.NoError(t, err)
	return x
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
		require.ErrorIs(t, p.each(context.Background(), func(*Run) bool { return true }), fault.Changed)
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
			p, err := d.Plan(context.Background(), r)
			require.NoError(t, err)
			probe, err := p.newProbe(p.where, p.program, -1, false)
			require.NoError(t, err)
			return probe.tally.table.Known(2)
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
		f.eng.stats = bufpool.NewBudget(1000, 0)
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
	s, err := d.newSurvey(context.Background(), nil)
	require.NoError(t, err)
	require.Nil(t, s.table)
	all, err := d.Stats(context.Background(), nil, nil)
	require.NoError(t, err)
	require.NotNil(t, all.Columns[0].Min)
	require.EqualValues(t, -1, explained(t, d, Request{}).Bytes)
}

func TestStatsDirMustBePrivate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err := NewEngine(Config{InProcess: true, StatsDir: dir})
	require.ErrorIs(t, err, fault.Denied)
	_, err = NewEngine(Config{InProcess: true, StatsDir: filepath.Join(dir, "a", "b")})
	require.ErrorIs(t, err, fault.Precondition)
}

// TestLimitEndsReading counts what is decoded for a limit that the first chunks satisfy.
func TestLimitEndsReading(t *testing.T) {
	withStats(t, clustered(t), Config{Workers: 1}, func(f *File) {
		d := frameOf(t, f, "/wide")
		for limit, most := range map[int64]int64{0: 0, 3: 1, 40_000: 2} {
			r := ask("wide >= 0")
			r.Limit, r.Index = &limit, IndexOff
			rows, chunks := loads(t, d, r)
			require.Equal(t, limit, rows)
			require.Equal(t, most, chunks, "of 64, each of which is a task")
		}
		rows, chunks := loads(t, d, ask("wide >= 0"))
		require.EqualValues(t, 64<<15, rows)
		require.EqualValues(t, 64, chunks)
	})
}

func TestExplain(t *testing.T) {
	withStats(t, clustered(t), Config{}, func(f *File) {
		pick, step := "3:9, 1, :", int64(65)
		for _, c := range []struct {
			path    string
			r       Request
			touched int64
			bytes   int64
			result  int64
		}{
			{"/table", Request{}, 55, frameOf(t, f, "/table").info.Stored, 2000},
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
