package h5proc

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// readTSV gives the lines of a tab-separated file as maps by its header.
func readTSV(t *testing.T, path string) []map[string]string {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', false, -1
	rows, err := r.ReadAll()
	require.NoError(t, err)
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, v := range row {
			m[rows[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}

func shapeText(d meta.Dataset) string {
	switch {
	case d.Err != "":
		return "error"
	case d.Space == meta.Scalar:
		return "()"
	case d.Space == meta.Null:
		return "null"
	}
	var parts []string
	for _, n := range d.Shape {
		parts = append(parts, fmt.Sprint(n))
	}
	return strings.Join(parts, "x")
}

// TestCorpus lists every file of a corpus, broken ones too, and compares names and shapes with an inventory made by
// another reader.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("MTFLIGHT_CORPUS")
	if dir == "" {
		t.Skip("MTFLIGHT_CORPUS names no directory")
	}
	expected := map[string]map[string]string{}
	for _, row := range readTSV(t, filepath.Join(dir, "inventory.tsv")) {
		if expected[row["file"]] == nil {
			expected[row["file"]] = map[string]string{}
		}
		shape := row["shape"]
		if strings.HasPrefix(row["readable"], "no: open") {
			shape = "error"
		}
		expected[row["file"]][row["path"]] = shape
	}
	pool := New(Config{Helpers: 2, CallTimeout: 10 * time.Second, Logger: zap.NewExample()})
	defer pool.Close()
	var differences []string
	same, files, began := 0, 0, time.Now()
	for _, row := range readTSV(t, filepath.Join(dir, "inventory_files.tsv")) {
		files++
		file := row["file"]
		start := time.Now()
		tree, err := pool.Tree(context.Background(), opened(t, filepath.Join(dir, file)))
		if took := time.Since(start); took > 2*time.Second {
			t.Logf("%s took %v", file, took)
		}
		got := map[string]string{}
		if err != nil {
			require.NotContains(t, err.Error(), dir)
			if row["outcome"] == "ok" {
				differences = append(differences, fmt.Sprintf("%s: %v", file, err))
			}
			continue
		}
		for _, d := range tree.Datasets {
			got[d.Path] = shapeText(d)
			if d.Err == "" {
				if _, err := h5type.Parse(d.Type); err != nil {
					t.Logf("%s%s: type: %v", file, d.Path, err)
				}
			} else {
				t.Logf("%s%s: %s", file, d.Path, d.Err)
			}
		}
		n := compare(got, expected[file], func(s string) { differences = append(differences, file+": "+s) })
		same += n
	}
	t.Logf("%d files in %v, %d datasets the same, %d differences", files, time.Since(began), same, len(differences))
	for _, d := range differences {
		t.Log(d)
	}
	require.Less(t, len(differences), files/10)
}

func compare(got, want map[string]string, differ func(string)) (same int) {
	for path, shape := range want {
		if g, ok := got[path]; !ok {
			differ(path + " not listed")
		} else if g != shape {
			differ(fmt.Sprintf("%s is %s, expected %s", path, g, shape))
		} else {
			same++
		}
	}
	var more []string
	for path := range got {
		if _, ok := want[path]; !ok {
			more = append(more, path+" ("+got[path]+")")
		}
	}
	sort.Strings(more)
	for _, m := range more {
		differ("unexpected " + m)
	}
	return same
}
