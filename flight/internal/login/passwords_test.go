package login

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAttemptsByNetwork: one host of IPv6 has 2^64 addresses, whose attempts are counted as one host's.
func TestAttemptsByNetwork(t *testing.T) {
	for from, key := range map[string]string{"192.0.2.7": "host 192.0.2.7", "::ffff:192.0.2.7": "host 192.0.2.7", "2001:db8:1:2:3::4": "host 2001:db8:1:2::/64",
		"fe80::1%eth0": "host fe80::/64"} {
		require.Equal(t, key, hostOf(netip.MustParseAddr(from)))
	}
	require.NotEmpty(t, hostOf(netip.Addr{}))
	p, now := newPasswords(), time.Now()
	from := netip.MustParseAddr("2001:db8:1:2::")
	for range attempts {
		require.True(t, p.begin([]string{hostOf(from)}, now))
		from = from.Next()
	}
	require.False(t, p.begin([]string{hostOf(from)}, now))
	require.True(t, p.begin([]string{hostOf(netip.MustParseAddr("2001:db8:1:3::"))}, now))
}
