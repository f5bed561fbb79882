package reader

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// TestExtentsWhoseBytesOverflow: 2^61 elements of eight bytes are no elements modulo 2^64.
func TestExtentsWhoseBytesOverflow(t *testing.T) {
	for _, o := range []chunkindex.Object{
		{Layout: chunkindex.Layout{Class: chunkindex.Contiguous, Addr: 2048, Size: 64}},
		{Layout: chunkindex.Layout{Class: chunkindex.Contiguous, Addr: 2048}},
		{Layout: chunkindex.Layout{Class: chunkindex.Compact, Data: make([]byte, 64)}},
		{Layout: chunkindex.Layout{Class: chunkindex.Contiguous, Addr: h5file.Undefined}, External: []chunkindex.ExternalFile{{Name: "raw"}}},
	} {
		d := &Dataset{object: &o, shape: []int64{1 << 61}, source: convert.Source{Type: &h5type.Type{Size: 8}}}
		_, err := d.plainSource(context.Background())
		require.ErrorIs(t, err, fault.Unsupported)
	}
}

// TestExternal reads what h5py 3.16 reads of it.
func TestExternal(t *testing.T) {
	f := corners(t, externalFile(t), Config{NoWitness: true})
	d, err := f.Dataset(t.Context(), "/x")
	require.NoError(t, err)
	got, err := readAll(d, Request{})
	require.NoError(t, err)
	want := []any{}
	for i := range 16 {
		want = append(want, float64(5+i))
	}
	for i := range 24 {
		want = append(want, float64(100+i))
	}
	require.Equal(t, want, got)
}
