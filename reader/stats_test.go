package reader

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/match"
)

// said is a column's values by NumPy.
type said struct {
	Values, Null, NaN int64
	Min, Max          any
}

func plainStats(c match.ColumnStats) said {
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
		all, err := frameOf(t, f, path).Stats(ctx, nil, func(c match.ChunkStats) error {
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
	for _, cfg := range []Config{{Workers: 2}, {Memory: 4 << 20}, {Memory: 16 << 20, IndexDir: dir}, {IndexDir: dir}} {
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
		_, err = frameOf(t, f, "/table").Stats(ctx, nil, func(match.ChunkStats) error { return io.ErrShortWrite })
		require.ErrorIs(t, err, io.ErrShortWrite)
	})
}
