package flight

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader"
)

func TestNetCDFInTickets(t *testing.T) {
	for _, text := range []string{`{"file":"a","dataset":"/b","options":{"netcdf":true}}`, `{"file":"a","dataset":"/b"}`} {
		r, err := ParseTicket([]byte(text))
		require.NoError(t, err)
		back, err := FormatTicket(r)
		require.NoError(t, err)
		require.Equal(t, text, string(back))
	}
	_, err := ParseTicket([]byte(`{"file":"a","dataset":"/b","options":{"netcdf":1}}`))
	require.ErrorIs(t, err, reader.ErrInvalid)
	require.ErrorContains(t, err, `"options.netcdf"`)
}

func TestCriteriaOfFrames(t *testing.T) {
	c, err := parseCriteria([]byte(`{"file":"a","frames":true}`))
	require.NoError(t, err)
	require.True(t, c.frames)
	_, err = parseCriteria([]byte(`{"frames":"yes"}`))
	require.ErrorIs(t, err, reader.ErrInvalid)
}
