package frames

import (
	"context"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/stretchr/testify/require"
)

// raw is a dataset of one column in memory.
type raw struct{ values arrow.Array }

func (r raw) Rows() int64 { return int64(r.values.Len()) }
func (r raw) Source() convert.Source {
	return convert.Source{Name: "x", Type: &h5type.Type{Class: h5type.Integer, Size: 8}}
}
func (r raw) Unsupported() error { return nil }
func (r raw) Passes() bool       { return false }

func (r raw) Column(context.Context, string) (Column, error) { return r, nil }

func (r raw) Schema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{{Name: "x", Type: r.values.DataType()}}, nil)
}

func (r raw) Bytes() int64 { return int64(r.values.Data().SizeInBytes()) }

func (r raw) Each(_ context.Context, use func(arrow.Record) bool) error {
	rec := array.NewRecord(r.Schema(), []arrow.Array{r.values}, int64(r.values.Len()))
	defer rec.Release()
	use(rec)
	return nil
}

// Labels are read within bounds, whatever the file says.
func TestLabelsAreBounded(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewStringBuilder(mem)
	defer b.Release()
	b.AppendValues([]string{"one", "two", "three"}, nil)
	values := b.NewArray()
	defer values.Release()
	parts := &parts{ctx: t.Context(), nodes: map[string]*meta.Dataset{}, opened: map[string]Dataset{"/text": raw{values}}}
	a, err := parts.Values("/text", "x")
	require.NoError(t, err)
	require.Equal(t, 3, a.Len())
	require.Positive(t, parts.labels)
	for _, left := range []int64{0, 10} { // room for none
		parts.labels = maxLabels - left
		_, err = parts.Values("/text", "x")
		require.ErrorIs(t, err, fault.Unsupported)
		require.ErrorContains(t, err, "/text: labels and categories of over 64 MiB")
	}
}
