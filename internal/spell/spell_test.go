package spell

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestEscape(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "plain": "plain", "日本": "日本", `back\slash`: `back\slash`, `\x`: `\x`, `\xe`: `\xe`, `\xeg`: `\xeg`, `\Xe9`: `\Xe9`, "\ufffd": "\ufffd",
		"caf\xe9": `caf\xe9`, "\xe2\x82": `\xe2\x82`, "\xff\xfe/a": `\xff\xfe/a`, "\xed\xa0\x80": `\xed\xa0\x80`, "é\xa9": `é\xa9`,
		`back\xe9slash`: `back\x5cxe9slash`, `\xE9`: `\x5cxE9`, `\x41`: `\x5cx41`, `\x5c`: `\x5cx5c`, `\x5cxe9`: `\x5cx5cxe9`, `\\xe9`: `\\x5cxe9`,
		"\\\xe9": `\\xe9`, "\\x\xe9": `\x\xe9`, "\\xe\xe9": `\xe\xe9`, "a\x00\n": "a\x00\n",
	} {
		require.Equal(t, want, Escape(raw))
		require.Equal(t, raw, Unescape(want))
	}
}

// What no name is spelled like stands for itself.
func TestUnescapeLeavesOthers(t *testing.T) {
	for _, s := range []string{`\x41`, `\x2f`, `\x00`, `\x2e\x2e`, `\xE9`, `\x5C`, `\x5c`, `\x5cx`, `\x5cxeg`, `\`, `\x`, `\x8`, "caf\xe9"} {
		require.Equal(t, s, Unescape(s))
	}
	require.Equal(t, "é", Unescape(`\xc3\xa9`))
}

func TestQuote(t *testing.T) {
	for s, want := range map[string]string{
		`caf\xe9`: `"caf\xe9"`, "raw\xff": `"raw\xff"`, `a"b`: `"a\"b"`, "a\nb": `"a\nb"`, `a\` + "\n": `"a\\n"`, `\\`: `"\\"`, `\"`: `"\\""`, "é": `"é"`,
	} {
		require.Equal(t, want, Quote(s))
	}
}

// alphabet is what spellings turn on.
var alphabet = []string{`\`, "x", "X", "5", "c", "e", "9", "E", "8", "f", "/", "g", "é", "\xe9", "\x82", "\xe2", "\x00", "€"}

func TestOneSpellingForEachName(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := map[string]string{}
	for range 30_000 {
		var raw strings.Builder
		for range random.IntN(12) {
			raw.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		check(t, raw.String())
		s := Escape(raw.String())
		if other, taken := names[s]; taken {
			require.Equal(t, other, raw.String())
		}
		names[s] = raw.String()
	}
}

func check(t *testing.T, raw string) {
	t.Helper()
	s := Escape(raw)
	require.True(t, utf8.ValidString(s))
	require.LessOrEqual(t, len(s), 4*len(raw))
	require.Equal(t, raw, Unescape(s))
	if utf8.ValidString(raw) && !strings.Contains(raw, `\x`) {
		require.Equal(t, raw, s)
	}
	parts, spelled := strings.Split(raw, "/"), strings.Split(s, "/")
	require.Len(t, spelled, len(parts), "paths are spelled name by name")
	for i := range parts {
		require.Equal(t, Escape(parts[i]), spelled[i])
	}
	other := Unescape(raw)
	require.Equal(t, other, Unescape(Escape(other)))
	require.Equal(t, strings.Count(raw, "/"), strings.Count(other, "/"))
	require.Equal(t, strings.Count(raw, "\x00"), strings.Count(other, "\x00"))
	require.Equal(t, strings.Count(raw, ".."), strings.Count(other, ".."))
}

func FuzzSpelling(f *testing.F) {
	for _, s := range []string{"", "caf\xe9", `back\xe9slash`, `\x5cxe9`, `\x5c\x5c`, "\xe2\x82/\\x\xff", `\x2f..`} {
		f.Add(s)
	}
	f.Fuzz(check)
}
