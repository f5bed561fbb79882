package flight

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

const good = `{"file": "a/b.h5", "dataset": "/t"}`

// with adds members to the good request.
func with(members string) string { return good[:len(good)-1] + ", " + members + "}" }

// TestFeaturesAreWhatParsersTake asks the parser for every name, with a value that no member takes.
func TestFeaturesAreWhatParsersTake(t *testing.T) {
	isAction := map[string]bool{}
	for _, a := range actions {
		isAction[a.name] = true
	}
	features := Features()
	for _, name := range features {
		if isAction[name] {
			delete(isAction, name)
			continue
		}
		text := `"` + name + `": [[]]`
		if outer, inner, nested := strings.Cut(name, "."); nested {
			text = `"` + outer + `": {"` + inner + `": [[]]}`
		}
		_, err := protocol.ParseTicket([]byte(with(text)))
		require.ErrorIs(t, err, fault.Invalid, name)
		require.NotContains(t, err.Error(), "unknown member", name)
		require.Contains(t, err.Error(), name)
	}
	require.Empty(t, isAction, "every action is a feature")
	require.Subset(t, features, []string{"offset", "about", "where", "stream.follow", "options.netcdf"})
	require.NotContains(t, features, "file")
	require.Equal(t, features, slices.Compact(slices.Clone(features)), "no name stands for two things")
}

func TestAbout(t *testing.T) {
	s := &Server{cfg: Config{Version: "1.2"}, features: Features()}
	for _, body := range []string{"", "{}", " {} "} {
		var told any
		require.NoError(t, s.about(t.Context(), []byte(body), func(v any) error { told = v; return nil }), body)
		text, err := json.Marshal(told)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), `{"server":"1.2","protocol":1,"features":["`), string(text))
		require.Contains(t, string(text), `"about","attributes","batch_bytes",`)
	}
	for _, body := range []string{"[]", `{"x": 1}`, "nothing"} {
		require.ErrorIs(t, s.about(t.Context(), []byte(body), nil), fault.Invalid, body)
	}
}

// TestReleaseIsThePackages: both clients name the same version.
func TestReleaseIsThePackages(t *testing.T) {
	text, err := os.ReadFile("../examples/python/pyproject.toml")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^version = "(.*)"$`).FindSubmatch(text)
	require.NotNil(t, found)
	require.Equal(t, protocol.Release, string(found[1]))
}
