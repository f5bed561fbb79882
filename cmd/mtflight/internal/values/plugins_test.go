package values

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader"
)

func TestPlugins(t *testing.T) {
	one, two := strings.Repeat("0f", 32), strings.Repeat("A0", 32)
	for _, c := range []struct {
		set  []string
		want reader.Config
		told string
	}{
		{nil, reader.Config{}, "on"},
		{[]string{"off", "on"}, reader.Config{}, "on"},
		{[]string{one, "off"}, reader.Config{NoPlugins: true}, "off"},
		{[]string{"off", one + "," + two}, reader.Config{Plugins: []string{one, strings.ToLower(two)}}, one + "," + strings.ToLower(two)},
	} {
		p := Plugins{&reader.Config{}}
		for _, text := range c.set {
			require.NoError(t, p.Set(text))
		}
		require.Equal(t, c.want, *p.Config)
		require.Equal(t, c.told, p.String())
	}
	for _, bad := range []string{"", "yes", one[1:], one + "0", one[1:] + "g", one + ","} {
		require.ErrorContains(t, Plugins{&reader.Config{}}.Set(bad), "neither on, off nor a SHA-256", bad)
	}
}
