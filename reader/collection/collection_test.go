package collection_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/collection"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// copies are n copies of a file of testdata, and an engine to read them.
func copies(t *testing.T, n int) (*reader.Engine, []reader.Location) {
	return copiesOf(t, "tables.h5", n)
}

func copiesOf(t *testing.T, name string, n int) (*reader.Engine, []reader.Location) {
	t.Helper()
	eng, err := reader.NewEngine(reader.Config{InProcess: true, Memory: 64 << 20})
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := eng.Memory()
		require.Zero(t, used)
		require.NoError(t, eng.Close())
	})
	file, err := os.ReadFile("../../testdata/" + name)
	require.NoError(t, err)
	var files []reader.Location
	for i := range n {
		path := filepath.Join(t.TempDir(), fmt.Sprint("run", i, ".h5"))
		require.NoError(t, os.WriteFile(path, file, 0o600))
		files = append(files, reader.Location{Path: path, Name: fmt.Sprint("run", i, ".h5")})
	}
	return eng, files
}

func count(t *testing.T, p *reader.Plan) (n int64, err error) {
	t.Helper()
	run := p.Run(t.Context())
	defer run.Release()
	for run.Next() {
		n += run.Record().NumRows()
	}
	return n, run.Err()
}

func ptr[T any](v T) *T { return &v }

// TestMemoryComesBack: of runs that end, are left in the middle, and fail.
func TestMemoryComesBack(t *testing.T) {
	eng, files := copies(t, 3)
	for name, r := range map[string]reader.Request{
		"plain":   {},
		"blocks":  {Stream: &reader.Stream{BlockRows: 3000, Shuffle: ptr(int64(1))}},
		"sorted":  {SortBy: "energy", Fields: []string{"id", "name"}, Step: ptr(int64(-1))},
		"matches": {Where: ptr("energy > 30"), Stream: &reader.Stream{}},
		"names":   {Options: optionsOf("from")},
	} {
		r.Dataset = "/events"
		p, err := collection.Plan(t.Context(), eng, collection.Files{All: files}, r)
		require.NoError(t, err, name)
		n, err := count(t, p)
		require.NoError(t, err, name)
		require.Positive(t, n, name)
		run := p.Run(t.Context())
		require.True(t, run.Next(), name)
		kept := run.Record()
		kept.Retain()
		run.Release()
		require.Positive(t, kept.NumRows())
		kept.Release()
	}
}

func optionsOf(file string) protocol.Options { return protocol.Options{FileColumn: file} }

// TestFilesThatChangeUnderARun end it, by name, before another file's rows come.
func TestFilesThatChangeUnderARun(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"gone":     os.Remove,
		"replaced": func(path string) error { return os.WriteFile(path, []byte("no HDF5 any more"), 0o600) },
	} {
		eng, files := copies(t, 3)
		p, err := collection.Plan(t.Context(), eng, collection.Files{All: files}, reader.Request{Dataset: "/events"})
		require.NoError(t, err)
		run := p.Run(t.Context())
		require.True(t, run.Next())
		require.NoError(t, change(files[2].Path))
		for run.Next() {
		}
		require.Error(t, run.Err(), name)
		require.Contains(t, []error{fault.Changed, fault.DataLoss}, fault.Of(run.Err()), name)
		require.ErrorContains(t, run.Err(), "run2.h5", name)
		run.Release()
	}
}

// TestTicketsOfSeveralFiles hold for other servers, and for these versions of the files only.
func TestTicketsOfSeveralFiles(t *testing.T) {
	eng, files := copies(t, 4)
	whole, err := collection.Plan(t.Context(), eng, collection.Files{All: files}, reader.Request{Dataset: "/events"})
	require.NoError(t, err)
	parts, total := whole.Split(3), int64(0)
	require.Len(t, parts, 3)
	by := map[string]reader.Location{}
	for _, f := range files {
		by[f.Name] = f
	}
	for _, r := range parts {
		var own, like []reader.Location
		for _, name := range r.Files {
			own = append(own, by[name])
		}
		names, err := collection.Like(r)
		require.NoError(t, err)
		for _, name := range names {
			like = append(like, by[name])
		}
		p, err := collection.Plan(t.Context(), eng, collection.Files{All: own, Like: like}, r)
		require.NoError(t, err)
		require.True(t, p.Schema().Equal(whole.Schema()))
		n, err := count(t, p)
		require.NoError(t, err)
		total += n
		_, err = collection.Plan(t.Context(), eng, collection.Files{All: own[1:], Like: like}, r)
		require.ErrorIs(t, err, fault.Changed)
		r.State = "set.x~y"
		_, err = collection.Like(r)
		require.ErrorIs(t, err, fault.Invalid)
	}
	require.Equal(t, whole.Rows(), total)
}

func TestCancelled(t *testing.T) {
	eng, files := copies(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	p, err := collection.Plan(ctx, eng, collection.Files{All: files}, reader.Request{Dataset: "/events", Stream: &reader.Stream{Cyclic: true}})
	require.NoError(t, err)
	require.True(t, p.Endless())
	require.Equal(t, int64(-1), p.Rows())
	run := p.Run(ctx)
	defer run.Release()
	require.True(t, run.Next())
	cancel()
	for run.Next() {
	}
	require.ErrorIs(t, run.Err(), context.Canceled)
}

// TestCancelledSurvey: a survey that is cancelled in the middle is an error, not fewer files.
func TestCancelledSurvey(t *testing.T) {
	for _, at := range []int{0, 1, 9} {
		eng, files := copies(t, 10) // which no engine has opened before
		ctx, cancel := context.WithCancel(t.Context())
		files[at].Open = func(path string) (*os.File, error) {
			cancel()
			return os.Open(path)
		}
		_, err := collection.Plan(ctx, eng, collection.Files{All: files}, reader.Request{Dataset: "/events"})
		require.ErrorIs(t, err, context.Canceled, at)
	}
}

// TestFilesThatWereSeenAreNotOpened: neither for the next request, nor where the bounds of their values tell that no row matches.
func TestFilesThatWereSeenAreNotOpened(t *testing.T) {
	allRested(t)
	const n = 20
	eng, files := copies(t, n)
	all := collection.Files{All: files, Memory: collection.NewMemory(eng)}
	opened := func(r reader.Request, rows int64) int {
		r.Dataset = "/events"
		before := eng.Counters()
		p, err := collection.Plan(t.Context(), eng, all, r)
		require.NoError(t, err)
		got, err := count(t, p)
		require.NoError(t, err)
		require.Equal(t, rows, got)
		after := eng.Counters()
		return int(after.FileHits + after.FileMisses - before.FileHits - before.FileMisses)
	}
	one := reader.Request{Limit: ptr(int64(1))}
	require.Greater(t, opened(one, 1), n)
	require.LessOrEqual(t, opened(one, 1), 2)
	none := reader.Request{Where: ptr("energy > 1e9"), Fields: []string{"id"}}
	require.Greater(t, opened(none, 0), 2*n, "another question, and bounds that are not known")
	require.LessOrEqual(t, opened(none, 0), 2)
	require.LessOrEqual(t, opened(reader.Request{Where: ptr("energy > 1e8"), Fields: []string{"id"}, Stream: &reader.Stream{}}, 0), 2)
	sorted := reader.Request{Where: ptr("energy > 1e8"), Fields: []string{"id"}, SortBy: "id"}
	require.LessOrEqual(t, opened(sorted, 0), n+4, "an order is another question; no key is read")
}

// TestBlocksAreThoseOfTheQuestion: how large a row is in one question says nothing of another, whose blocks have to stay the same.
func TestBlocksAreThoseOfTheQuestion(t *testing.T) {
	allRested(t)
	eng, files := copies(t, 3)
	all := collection.Files{All: files, Memory: collection.NewMemory(eng)}
	blocks := func(fields ...string) string {
		p, err := collection.Plan(t.Context(), eng, all, reader.Request{Dataset: "/events", Fields: fields, Stream: &reader.Stream{}})
		require.NoError(t, err)
		text, ok := p.Schema().Metadata().GetValue("stream.block_rows")
		require.True(t, ok)
		return text
	}
	first := blocks("id")
	require.NotEqual(t, first, blocks())
	require.Equal(t, first, blocks("id"))
}

// allRested has files taken for such as nobody changed lately, until the test's end.
func allRested(t *testing.T) {
	was := blockio.Freshness
	blockio.Freshness = 0
	t.Cleanup(func() { blockio.Freshness = was })
}

// TestChangedFilesAreSeen: what was seen of a file, and known of its values, is not of one that was changed in place.
func TestChangedFilesAreSeen(t *testing.T) {
	allRested(t)
	eng, files := copiesOf(t, "pandas.h5", 3)
	all := collection.Files{All: files, Memory: collection.NewMemory(eng)}
	matching := func() (int64, *reader.Explanation) {
		p, err := collection.Plan(t.Context(), eng, all, reader.Request{Dataset: "/fixed/axis1", Where: ptr("axis1 < 0")})
		require.NoError(t, err)
		x, err := p.Explain(t.Context())
		require.NoError(t, err)
		n, err := count(t, p)
		require.NoError(t, err)
		return n, x
	}
	n, x := matching()
	require.Zero(t, n)
	require.Len(t, named(x), 3)
	n, x = matching()
	require.Zero(t, n)
	require.Empty(t, named(x), "none is asked any more")

	file, err := os.ReadFile(files[1].Path)
	require.NoError(t, err)
	two := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 1704067200000000), 1704070800000000)
	require.Equal(t, 1, bytes.Count(file, two))
	file[bytes.Index(file, two)+7] |= 0x80
	require.Eventually(t, func() bool { // the clock of file systems is coarse
		require.NoError(t, os.WriteFile(files[1].Path, file, 0o600))
		n, x = matching()
		return n == 1
	}, time.Minute, time.Millisecond)
	require.Equal(t, []string{"run1.h5"}, named(x))
}

// named are the files that an explanation tells of.
func named(x *reader.Explanation) (out []string) {
	for _, w := range x.Words {
		if name, is := strings.CutPrefix(w, "of the collection, "); is {
			out = append(out, strings.TrimSuffix(name, ":"))
		}
	}
	return out
}
