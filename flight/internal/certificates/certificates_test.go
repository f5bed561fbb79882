package certificates

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/certtest"
	"github.com/mtflight/mtflight/internal/fault"
)

// TestRevocation: what is on a list is refused, and where the list is out of date all others of its authority are, with that reason.
func TestRevocation(t *testing.T) {
	authority := certtest.New(t)
	good, gone := authority.Issue(nil, "spiffe://lab.example/ann"), authority.Issue(nil, "spiffe://lab.example/gone")
	authority.Revoke(gone)
	for why, k := range map[string]struct {
		until time.Time
		pair  certtest.Pair
	}{
		"":                    {time.Now().Add(time.Hour), good},
		"has been revoked":    {time.Now().Add(time.Hour), gone},
		"is out of date":      {time.Now().Add(-time.Minute), good},
		"it has been revoked": {time.Now().Add(-time.Minute), gone},
	} {
		authority.Until = k.until
		path := filepath.Join(t.TempDir(), "ca.pem")
		require.NoError(t, os.WriteFile(path, authority.PEM(), 0o600))
		a, err := readAuthorities(path)
		require.NoError(t, err)
		name, err := a.identify([]*x509.Certificate{k.pair.TLS().Leaf}, time.Now())
		if why == "" {
			require.NoError(t, err)
			require.Equal(t, "spiffe://lab.example/ann", name)
			continue
		}
		require.ErrorIs(t, err, fault.Unauthenticated)
		require.ErrorContains(t, err, why)
	}
}
