package check

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/reader"
)

const testdata = "../../../../testdata/"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func engine(t *testing.T) *reader.Engine {
	t.Helper()
	e, err := reader.NewEngine(reader.Config{Memory: 64 << 20, Workers: 2, NoWitness: true, NoPlugins: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := e.Memory()
		require.Zero(t, used)
		require.NoError(t, e.Close())
	})
	return e
}

func TestSoundFiles(t *testing.T) {
	e := engine(t)
	for _, name := range []string{"arrays.h5", "latest.h5", "layouts.h5", "links.h5", "pandas.h5", "tables.h5", "types.h5"} {
		r, err := Look(context.Background(), e, testdata+name)
		require.NoError(t, err)
		require.Equal(t, Sound, r.State, "%s: %+v", name, r)
		for _, d := range r.Datasets {
			require.Zero(t, d.Lost, "%s %s", name, d.Path)
			if d.Rows > 0 {
				require.Equal(t, [][2]int64{{0, d.Rows}}, d.Readable)
			}
		}
	}
}

func TestNotAllCanBeRead(t *testing.T) {
	r, err := Look(context.Background(), engine(t), testdata+"refused.h5")
	require.NoError(t, err)
	require.Equal(t, Partial, r.State)
	require.Len(t, r.Unchecked, 2)
	require.Equal(t, Unchecked{"/wide_integer", "integer of 16 bytes"}, r.Unchecked[1])
}

// damagedBy is a copy of a file after change.
func damagedBy(t *testing.T, name string, change func(b []byte) []byte) string {
	t.Helper()
	b, err := os.ReadFile(testdata + name)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	require.NoError(t, os.WriteFile(path, change(b), 0o600))
	return path
}

func TestCutOff(t *testing.T) {
	e := engine(t)
	for _, share := range []int{2, 3, 100} {
		r, err := Look(context.Background(), e, damagedBy(t, "tables.h5", func(b []byte) []byte { return b[:len(b)-len(b)/share] }))
		require.NoError(t, err)
		require.Equal(t, Unreadable, r.State)
		require.Contains(t, r.Damage[0].Reason, "the file is cut off")
	}
	r, err := Look(context.Background(), e, damagedBy(t, "tables.h5", func([]byte) []byte { return []byte("words") }))
	require.NoError(t, err)
	require.Equal(t, Unreadable, r.State)
	_, err = Look(context.Background(), e, filepath.Join(t.TempDir(), "absent.h5"))
	require.ErrorIs(t, err, reader.ErrNotFound)
}

// rowsOf is the text of rows of a dataset, those of an array of numbers.
func rowsOf(e *reader.Engine, path, dataset string, from, to int64) (string, error) {
	f, err := e.Open(context.Background(), reader.Location{Path: path})
	if err != nil {
		return "", err
	}
	d, err := f.Dataset(context.Background(), dataset)
	if err != nil {
		return "", err
	}
	p, err := d.Plan(context.Background(), reader.Request{Start: &from, Stop: &to})
	if err != nil {
		return "", err
	}
	run := p.Run(context.Background())
	defer run.Release()
	var out bytes.Buffer
	for run.Next() {
		lines(&out, run.Record())
	}
	return out.String(), run.Err()
}

func lines(out *bytes.Buffer, r arrow.Record) {
	for i := range int(r.NumRows()) {
		s := r.NewSlice(int64(i), int64(i+1))
		fmt.Fprintln(out, s.Column(0))
		s.Release()
	}
}

// TestChunkIsNamed: a byte of one chunk is another one; the chunk is found by where it lies and where it stands.
func TestChunkIsNamed(t *testing.T) {
	e := engine(t)
	for _, name := range []string{"layouts.h5", "latest.h5"} {
		sound, err := Look(context.Background(), e, testdata+name)
		require.NoError(t, err)
		require.Equal(t, Sound, sound.State)
		named := 0
		rng := rand.New(rand.NewPCG(1, 2))
		for range 60 {
			path := damagedBy(t, name, func(b []byte) []byte {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
				return b
			})
			r, err := Look(context.Background(), e, path)
			require.NoError(t, err)
			for _, d := range r.Datasets {
				for _, x := range d.Damage {
					if x.What == "chunk" {
						named++
						require.NotZero(t, *x.Address)
						require.Contains(t, x.Reason, fmt.Sprintf("chunk %d at address %d", *x.Number, *x.Address))
						axes := 2
						if d.Path == "/line" {
							axes = 1
						}
						require.Len(t, x.Chunk, axes)
					}
				}
			}
		}
		require.Greater(t, named, 3, name)
	}
}

// TestEveryByteIsHeld: in a file whose metadata has checksums no changed byte gives other values of a dataset whose chunks have them,
// unless the report says so; and what it says can still be read is as before.
func TestEveryByteIsHeld(t *testing.T) {
	const name = "latest.h5"
	e := engine(t)
	sound, err := Look(context.Background(), e, testdata+name)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(3, 4))
	lost := 0
	for range 60 {
		at := 0
		path := damagedBy(t, name, func(b []byte) []byte {
			at = rng.IntN(len(b))
			b[at] ^= byte(1 + rng.IntN(255))
			return b
		})
		r, err := Look(context.Background(), e, path)
		require.NoError(t, err)
		for _, d := range r.Datasets {
			if d.Lost > 0 {
				lost++
				from, to := d.Damage[0].Start, d.Damage[0].Stop
				_, err := rowsOf(e, path, d.Path, from, to)
				require.ErrorIs(t, err, reader.ErrDataLoss, "byte %d, %s", at, d.Path)
			}
			if len(d.Checksums) == 0 {
				continue
			}
			for _, x := range d.Readable {
				want, err := rowsOf(e, testdata+name, d.Path, x[0], x[1])
				require.NoError(t, err)
				got, err := rowsOf(e, path, d.Path, x[0], x[1])
				require.NoError(t, err, "byte %d, %s", at, d.Path)
				require.Equal(t, want, got, "byte %d, %s", at, d.Path)
			}
		}
		if r.State == Sound {
			require.Len(t, r.Datasets, len(sound.Datasets), "byte %d", at)
		}
	}
	require.Greater(t, lost, 3)
}

func TestBoxes(t *testing.T) {
	info := reader.Info{Shape: []int64{10, 7}, Chunks: []int64{4, 3}, Rows: 10, Bytes: 10 * 7 * 8}
	all := whole(info)
	require.Equal(t, box{{0, 10}, {0, 7}}, all)
	require.Equal(t, box{{8, 10}, {6, 7}}, all.chunk(info.Chunks, 8), "at the edge")
	require.Equal(t, "8:10,6:7", *all.chunk(info.Chunks, 8).request(info.Shape).Select)
	at, single := all.chunk(info.Chunks, 5).chunkOf(info.Chunks)
	require.True(t, single)
	require.Equal(t, []int64{1, 2}, at)
	// cut until all are chunks: each once
	var chunks []box
	var cut func(b box)
	cut = func(b box) {
		if _, single := b.chunkOf(info.Chunks); single {
			chunks = append(chunks, b)
			return
		}
		for _, half := range b.halves(info.Chunks) {
			cut(half)
		}
	}
	cut(all)
	require.Len(t, chunks, 9)
	for number := range uint64(9) {
		require.Contains(t, chunks, all.chunk(info.Chunks, number))
	}
	require.Nil(t, box{{3, 4}, {0, 3}}.halves(info.Chunks), "one row of a chunk")
	// bands of large rows are chunks, those of small rows hold each chunk once
	large := reader.Info{Shape: []int64{8, 1 << 40}, Chunks: []int64{4, 1 << 20}, Rows: 8, Bytes: 8 << 43}
	n := 0
	for b := range stored(large, func(yield func(uint64) bool) { _ = yield(0) && yield(1<<20+5) }) {
		require.LessOrEqual(t, b[1][1]-b[1][0], int64(1<<20))
		n++
	}
	require.Equal(t, 2, n)
	small := reader.Info{Shape: []int64{100}, Chunks: []int64{10}, Rows: 100, Bytes: 100 * (bandBytes / 20)}
	var got []box
	for b := range stored(small, func(yield func(uint64) bool) { _ = yield(1) && yield(2) && yield(3) && yield(9) }) {
		got = append(got, b)
	}
	require.Equal(t, []box{{{10, 30}}, {{30, 50}}, {{90, 100}}}, got)
}

func TestRowsLost(t *testing.T) {
	d := Dataset{Rows: 100, Damage: []Damage{{Start: 10, Stop: 20}, {Start: 10, Stop: 20}, {Start: 15, Stop: 25}, {Start: 90, Stop: 100}}}
	d.settle()
	require.Equal(t, int64(25), d.Lost)
	require.Equal(t, [][2]int64{{0, 10}, {25, 90}}, d.Readable)
}
