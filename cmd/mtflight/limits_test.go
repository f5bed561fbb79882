package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// TestLimitsAreDocumented: docs/limits.md has each setting that serve hides from its help, with its default, and names tests that there are.
func TestLimitsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/limits.md")
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| (\S.*?) \| (.*?) \| (.*?) \| (.*?) \|$`).FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(rows), 10)
	flags, documented := newServe().Flags(), map[string]bool{}
	for _, row := range rows {
		if name, ok := strings.CutPrefix(strings.Trim(row[1], "`"), "--"); ok {
			f := flags.Lookup(name)
			require.NotNil(t, f, "%s is no setting", name)
			documented[name] = true
			if f.DefValue != "" {
				require.Regexp(t, "^"+regexp.QuoteMeta(f.DefValue)+`($|[, ])`, row[2], name)
			}
		}
	}
	flags.VisitAll(func(f *pflag.Flag) {
		require.True(t, !f.Hidden || f.Name == "stats-dir" || documented[f.Name], "%s is not in docs/limits.md", f.Name)
	})
	for _, name := range regexp.MustCompile(`\b(Test\w+|test_\w+)\b`).FindAllString(string(text), -1) {
		require.NoError(t, exec.Command("grep", "-rqwE", "--include=*_test.go", "--include=test_*.py", "(func|def) "+name, "../..").Run(), "there is no test %s", name)
	}
}
