package reader

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/conventions"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

func TestMissingValues(t *testing.T) {
	var many []int64
	for i := range int64(99) {
		many = append(many, i)
	}
	long, err := json.Marshal(many)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		attrs meta.Attrs
		want  []any
	}{
		"none":    {meta.Attrs{}, nil},
		"both":    {meta.Attrs{All: []meta.Attr{{Name: "_FillValue", Value: json.RawMessage("-999")}, {Name: "missing_value", Value: json.RawMessage("[1.5,2]")}}}, []any{int64(-999), 1.5, int64(2)}},
		"large":   {meta.Attrs{All: []meta.Attr{{Name: "_FillValue", Value: json.RawMessage("[18446744073709551614]")}}}, []any{uint64(math.MaxUint64 - 1)}},
		"inf":     {meta.Attrs{All: []meta.Attr{{Name: "_FillValue", Value: json.RawMessage(`"-Infinity"`)}}}, []any{math.Inf(-1)}},
		"no such": {meta.Attrs{All: []meta.Attr{{Name: "_FillValue", Value: json.RawMessage(`"none"`)}, {Name: "missing_value", Value: json.RawMessage("null")}}}, nil},
		"nested":  {meta.Attrs{All: []meta.Attr{{Name: "missing_value", Value: json.RawMessage("[[1,2]]")}}}, nil},
	} {
		got, err := conventions.MissingValues(c.attrs)
		require.NoError(t, err)
		require.Equal(t, c.want, got, name)
	}
	_, err = conventions.MissingValues(meta.Attrs{All: []meta.Attr{{Name: "missing_value", Value: long}}})
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, `"missing_value": over 64 values`)
	nan, err := conventions.MissingValues(meta.Attrs{All: []meta.Attr{{Name: "_FillValue", Value: json.RawMessage(`"NaN"`)}}})
	require.NoError(t, err)
	require.True(t, math.IsNaN(nan[0].(float64)))
	_, err = conventions.MissingValues(meta.Attrs{All: []meta.Attr{{Name: "_FillValue", Err: "why"}}})
	require.ErrorIs(t, err, ErrDataLoss)
	require.ErrorContains(t, err, `"_FillValue": why`)
}

func TestNetCDF(t *testing.T) {
	e, err := NewEngine(Config{Workers: 2, InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	path, err := filepath.Abs("../testdata/climate.nc")
	require.NoError(t, err)
	f, err := e.Open(context.Background(), location.Location{Path: path, Name: "climate.nc"})
	require.NoError(t, err)
	for dataset, want := range map[string]struct{ dimensions, attributes string }{
		"/t2m":  {`["time","lat","lon"]`, `"DIMENSION_LIST"`},
		"/time": {`["time"]`, `"units":"days since 2000-01-01"`},
	} {
		r := Request{Limit: num(1)}
		r.Options.NetCDF = true
		got, _ := whole(t, frameOf(t, f, dataset), r)
		require.JSONEq(t, want.dimensions, got.Schema().Metadata().ToMap()["netcdf.dimensions"])
		require.Contains(t, got.Schema().Field(0).Metadata.ToMap()["hdf5.attributes"], want.attributes)
		got, _ = whole(t, frameOf(t, f, dataset), Request{Limit: num(1)})
		require.NotContains(t, got.Schema().Metadata().ToMap(), "netcdf.dimensions")
		require.Empty(t, got.Schema().Field(0).Metadata.ToMap()["hdf5.attributes"])
	}
}
