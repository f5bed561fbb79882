package reader

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/location"
)

const virtualData = "testdata/virtual"

// wanted is what testdata/virtual/make.py had h5py read.
type wanted struct {
	Shape  []int64
	Values []any
	Error  string // the kind it is refused with
	Or     string // or may be
}

var refusals = map[string]error{"data loss": fault.DataLoss, "unsupported": fault.Unsupported}

func readWanted(t *testing.T) map[string]map[string]wanted {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(virtualData, "expected.json"))
	require.NoError(t, err)
	var all map[string]map[string]wanted
	require.NoError(t, json.Unmarshal(b, &all))
	require.NotEmpty(t, all)
	return all
}

func openEngine(t *testing.T) *Engine {
	t.Helper()
	eng, err := NewEngine(Config{InProcess: true, Workers: 2})
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := eng.Memory()
		require.Zero(t, used)
		require.NoError(t, eng.Close())
	})
	return eng
}

func openDataset(t *testing.T, eng *Engine, loc location.Location, name string) (*Dataset, error) {
	t.Helper()
	f, err := eng.Open(context.Background(), loc)
	require.NoError(t, err)
	return f.Dataset(context.Background(), name)
}

// readAll is the values of a request, flat, as JSON has them.
func readAll(d *Dataset, r Request) ([]any, error) {
	plan, err := d.Plan(context.Background(), r)
	if err != nil {
		return nil, err
	}
	run := plan.Run(context.Background())
	defer run.Release()
	out := []any{}
	for run.Next() {
		rec := run.Record()
		for i := range int(rec.NumRows()) {
			if rec.NumCols() > 1 {
				var row []any
				for _, c := range rec.Columns() {
					row = appendValue(row, c, i)
				}
				out = append(out, row)
				continue
			}
			out = appendValue(out, rec.Column(0), i)
		}
	}
	return out, run.Err()
}

// appendValue flattens fixed-size lists; lists stay together.
func appendValue(out []any, a arrow.Array, i int) []any {
	switch a := a.(type) {
	case array.ExtensionArray:
		return appendValue(out, a.Storage(), i)
	case *array.FixedSizeList:
		n := int(a.DataType().(*arrow.FixedSizeListType).Len())
		for k := range n {
			out = appendValue(out, a.ListValues(), (i+a.Offset())*n+k)
		}
		return out
	}
	var v any
	b, err := json.Marshal(a.GetOneForMarshal(i))
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		v = err.Error()
	}
	return append(out, v)
}

func TestVirtualDatasetsAreWhatH5pyReads(t *testing.T) {
	eng := openEngine(t)
	for file, sets := range readWanted(t) {
		for name, want := range sets {
			t.Run(file+"/"+name, func(t *testing.T) {
				d, err := openDataset(t, eng, location.Location{Path: filepath.Join(virtualData, file)}, "/"+name)
				require.NoError(t, err)
				got, err := readAll(d, Request{})
				if want.Error != "" {
					require.ErrorIs(t, err, refusals[want.Error], "%v", got)
					return
				}
				if want.Or != "" && err != nil {
					require.ErrorIs(t, err, refusals[want.Or])
					return
				}
				require.NoError(t, err)
				require.Equal(t, want.Shape, d.Info().Shape)
				require.Equal(t, want.Values, got)
				require.NoError(t, d.viaLib)
			})
		}
	}
}

// Every row asked for alone, and rows in pieces, give what the whole gives.
func TestVirtualDatasetsInParts(t *testing.T) {
	eng := openEngine(t)
	for file, sets := range readWanted(t) {
		for name, want := range sets {
			if want.Error+want.Or != "" || len(want.Shape) == 0 || want.Shape[0] == 0 {
				continue
			}
			d, err := openDataset(t, eng, location.Location{Path: filepath.Join(virtualData, file)}, "/"+name)
			require.NoError(t, err)
			per := len(want.Values) / int(want.Shape[0])
			for row := range want.Shape[0] {
				stop := row + 1
				got, err := readAll(d, Request{Start: &row, Stop: &stop})
				require.NoError(t, err)
				require.Equal(t, want.Values[int(row)*per:int(stop)*per], got, "%s %s row %d", file, name, row)
			}
			if len(want.Shape) < 2 {
				continue
			}
			pick := "-1, 1::2"
			got, err := readAll(d, Request{Select: &pick})
			require.NoError(t, err)
			inner := per / int(want.Shape[1])
			var picked []any
			last := want.Values[len(want.Values)-per:]
			for k := 1; k < int(want.Shape[1]); k += 2 {
				picked = append(picked, last[k*inner:(k+1)*inner]...)
			}
			require.ElementsMatch(t, picked, got, "%s %s", file, name)
		}
	}
}

func TestVirtualSourcesOutsideAreRefused(t *testing.T) {
	eng := openEngine(t)
	own, err := filepath.Abs(filepath.Join(virtualData, "limited_latest.h5"))
	require.NoError(t, err)
	loc := location.Location{Path: own, Name: "limited", Inside: func(disk string) bool { return !strings.Contains(disk, "source") }}
	for name, kind := range map[string]error{"/stacked": fault.Unsupported, "/holes": fault.Unsupported, "/text": fault.Unsupported, "/linked": nil} {
		d, err := openDataset(t, eng, loc, name)
		require.NoError(t, err)
		_, err = readAll(d, Request{})
		require.Error(t, err, name)
		require.Contains(t, err.Error(), "outside", name)
		if kind != nil {
			require.ErrorIs(t, err, kind, name)
		}
	}
	d, err := openDataset(t, eng, loc, "/inside")
	require.NoError(t, err)
	got, err := readAll(d, Request{})
	require.NoError(t, err)
	require.Len(t, got, 20)
}

func TestVirtualDatasetsFollowTheirSources(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"growing_latest.h5", "growing_earliest.h5", "source1.h5", "source2.h5", "source3.h5"} {
		b, err := os.ReadFile(filepath.Join(virtualData, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	for _, file := range []string{"growing_latest.h5", "growing_earliest.h5"} {
		eng := openEngine(t)
		loc := location.Location{Path: filepath.Join(dir, file)}
		d, err := openDataset(t, eng, loc, "/uneven")
		require.NoError(t, err)
		require.Equal(t, []int64{3, 9}, d.Info().Shape)
		require.NoError(t, os.Rename(filepath.Join(dir, "source3.h5"), filepath.Join(dir, "away")))
		d, err = openDataset(t, eng, loc, "/uneven")
		require.NoError(t, err)
		require.Equal(t, []int64{3, 6}, d.Info().Shape)
		got, err := readAll(d, Request{})
		require.NoError(t, err)
		require.Equal(t, []any{-1., -1., -1., -1., -1., -1.}, got[12:])
		require.NoError(t, os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "source3.h5")))
	}
}
