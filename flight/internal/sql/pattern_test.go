package sql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestPatterns(t *testing.T) {
	for like, names := range map[string]struct{ yes, no []string }{
		"%":      {[]string{"", "a", "a/b\nc"}, nil},
		"a_c":    {[]string{"abc", "aéc"}, []string{"ac", "abbc"}},
		`a\_c`:   {[]string{"a_c"}, []string{"abc"}},
		`%.h5`:   {[]string{".h5", "x/y.h5"}, []string{"xh5", "x.h5x"}},
		`a\`:     {[]string{`a\`}, []string{"a"}},
		"a(b)*?": {[]string{"a(b)*?"}, []string{"ab"}},
		"":       {[]string{""}, []string{"a"}},
	} {
		p, err := newPattern(&like)
		require.NoError(t, err)
		for _, n := range names.yes {
			require.True(t, p.match(n), "%q %q", like, n)
		}
		for _, n := range names.no {
			require.False(t, p.match(n), "%q %q", like, n)
		}
	}
	long := strings.Repeat("%", maxPattern+1)
	_, err := newPattern(&long)
	require.ErrorIs(t, err, fault.Invalid)
}

// FuzzCommand: no message makes more than an error.
func FuzzCommand(f *testing.F) {
	f.Add([]byte("\n\x05"))
	f.Add([]byte("\n@type.googleapis.com/arrow.flight.protocol.sql.CommandGetTables"))
	f.Add([]byte("\nCtype.googleapis.com/arrow.flight.protocol.sql.CommandGetDbSchemas\x12\x03\x12\x01%"))
	h := New(nil, "1", Engine{})
	f.Fuzz(func(t *testing.T, message []byte) {
		schema, _, err := h.Schema(t.Context(), message)
		require.True(t, err != nil || schema != nil)
		require.True(t, err == nil || fault.Of(err) != nil, err)
	})
}
