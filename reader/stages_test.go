package reader

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestStages reads and decodes apart what a plan reads: as many bytes as the file has of it, and gives all memory back.
func TestStages(t *testing.T) {
	defer goleak.VerifyNone(t)
	withStats(t, clustered(t), Config{}, func(f *File) {
		for _, path := range []string{"/table", "/line", "/grid", "/gaps"} {
			d := frameOf(t, f, path)
			p, err := d.Plan(context.Background(), Request{})
			require.NoError(t, err)
			st, err := p.Stages(1 << 30)
			require.NoError(t, err)
			_, want, err := d.Storage()
			require.NoError(t, err)
			stored, elements := st.Bytes()
			require.EqualValues(t, want, stored, path)
			require.GreaterOrEqual(t, elements, stored, path)
			require.NoError(t, st.Read(context.Background()))
			held, err := st.Hold(context.Background())
			require.NoError(t, err)
			bytes, _ := held.Bytes()
			require.Equal(t, stored, bytes)
			require.NoError(t, held.Decode(context.Background()))
			held.Close()
			one, err := p.Stages(1)
			require.NoError(t, err)
			bytes, _ = one.Bytes()
			require.Positive(t, bytes)
			require.LessOrEqual(t, bytes, stored)
		}
		used, _ := f.eng.Memory()
		require.Zero(t, used)
	})
}

func TestStagesOfWhatLiesElsewhere(t *testing.T) {
	e, err := NewEngine(Config{NoPlugins: true})
	require.NoError(t, err)
	defer e.Close()
	for file, paths := range map[string][]string{"layouts.h5": {"/compact", "/unwritten"}, "pandas.h5": {"/fixed"}} {
		f, err := e.Open(context.Background(), Location{Path: "../testdata/" + file})
		require.NoError(t, err)
		for _, path := range paths {
			p, err := frameOf(t, f, path).Plan(context.Background(), Request{})
			require.NoError(t, err, path)
			_, err = p.Stages(1 << 30)
			require.ErrorIs(t, err, ErrUnsupported, path)
		}
	}
}

// TestStagesOfDamage has a chunk whose zlib stream is none.
func TestStagesOfDamage(t *testing.T) {
	b, err := os.ReadFile("../testdata/tables.h5")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "t.h5")
	e, err := NewEngine(Config{NoPlugins: true})
	require.NoError(t, err)
	defer e.Close()
	sound, err := e.Open(context.Background(), Location{Path: "../testdata/tables.h5"})
	require.NoError(t, err)
	index, err := frameOf(t, sound, "/events").chunkIndex()
	require.NoError(t, err)
	chunk, ok := index.At(0)
	require.True(t, ok)
	clear(b[chunk.Addr : chunk.Addr+uint64(chunk.Size)])
	require.NoError(t, os.WriteFile(file, b, 0o600))
	f, err := e.Open(context.Background(), Location{Path: file})
	require.NoError(t, err)
	p, err := frameOf(t, f, "/events").Plan(context.Background(), Request{})
	require.NoError(t, err)
	st, err := p.Stages(1 << 30)
	require.NoError(t, err)
	require.NoError(t, st.Read(context.Background()))
	held, err := st.Hold(context.Background())
	require.NoError(t, err)
	require.ErrorIs(t, held.Decode(context.Background()), ErrDataLoss)
	held.Close()
	stopped, stop := context.WithCancel(context.Background())
	stop()
	require.ErrorIs(t, st.Read(stopped), context.Canceled)
	used, _ := e.Memory()
	require.Zero(t, used)
}
