package query

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"select 1":                         {"select 1"},
		"select 1;":                        {"select 1", ""},
		"a; b ;c":                          {"a", "b", "c"},
		"select ';'; select \"a;b\"":       {"select ';'", "select \"a;b\""},
		"select 'it''s;';x":                {"select 'it''s;'", "x"},
		"a -- x; y\n; b":                   {"a -- x; y", "b"},
		"a /* ; */; b":                     {"a /* ; */", "b"},
		"select $$ ; $$; b":                {"select $$ ; $$", "b"},
		"select 'open; b":                  {"select 'open; b"},
		"select '":                         {"select '"},
		"a - b; c / d":                     {"a - b", "c / d"},
		"select 'a' || ';' || \"b\"; next": {"select 'a' || ';' || \"b\"", "next"},
	} {
		statements, rest := split(text)
		require.Equal(t, want, append(statements, trimmed(rest)), text)
	}
	require.True(t, blank(" \n-- x\n/* y */ "))
	require.False(t, blank("-- x\n1"))
}

func trimmed(s string) string {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	return s
}

func TestWordOf(t *testing.T) {
	for line, want := range map[string]string{
		"": "", "sel": "sel", "select ": "", "select id": "id", `from "a.h5"."/ev`: `"a.h5"."/ev`, `from "a.h5"`: `"a.h5"`, `from "a b" where i`: "i", `e.en`: "en",
		`where "my co`: `"my co`, `x = 'text`: "", `count(id`: "id", `"a""b`: `"a""b`, `"a.h5".`: `"a.h5".`, "zoë": "zoë", "-- com": "",
	} {
		require.Equal(t, want, wordOf(line), line)
	}
}

func TestCandidates(t *testing.T) {
	w := words{asked: true, tables: []offered{
		{name: `"a.h5"."/events"`, parts: []string{"a.h5", "/events"}, columns: []string{"id", `"Energy"`}},
		{name: `"b.h5"."/other"`, parts: []string{"b.h5", "/other"}, columns: []string{"idle"}}}}
	require.Equal(t, []string{`"a.h5"."/events"`}, w.candidates("select ", `"a`))
	require.Equal(t, []string{`"a.h5"."/events"`}, w.candidates("", "eve"), "a dataset's name is enough")
	require.Equal(t, []string{"id", "idle"}, w.candidates("select ", "id"))
	require.Equal(t, []string{"id"}, w.candidates(`select id from "a.h5"."/events"`, "id"), "columns of the tables that are named")
	require.Equal(t, []string{`"Energy"`}, w.candidates("", `"E`))
	require.Contains(t, w.candidates("", "sel"), "select")
	require.Equal(t, "id", common([]string{"id", "idle"}))
	require.Equal(t, "", common([]string{"é", "è"}), "no half of a character")
	require.Equal(t, []string{`"select"`, "x1", `"1x"`, `"a""b"`}, []string{identifier("select"), identifier("x1"), identifier("1x"), identifier(`a"b`)})
}

func TestHistoryIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "sql_history")
	h := readHistory(path)
	for i := range kept + 5 {
		h.Add(strconv.Itoa(i))
		h.Add(strconv.Itoa(i) + " ")
	}
	h.Add("")
	h.write()
	again := readHistory(path)
	require.Equal(t, kept, again.Len())
	require.Equal(t, strconv.Itoa(kept+4), again.At(0))
	require.Equal(t, "5", again.At(kept-1))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	(&history{lines: []string{"x"}}).write() // nowhere
}
