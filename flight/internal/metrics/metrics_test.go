package metrics

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

const page = "../../../docs/metrics.md"

const head = `# Metrics

` + "`mtflight serve --admin 127.0.0.1:8816`" + ` answers Prometheus at ` + "`/metrics`" + ` ([operations](operations.md#watching)). This page is written from the
registry: ` + "`go test ./flight/internal/metrics -update`" + `. Beside these there are ` + "`go_*`" + ` (heap, garbage collection, goroutines) and ` + "`process_*`" + `
(CPU, memory, open files) of Prometheus' own client.

| metric | type | by | what it counts |
|---|---|---|---|
`

// gathered are the families of a server that has answered one request.
func gathered(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	m := New("1.0", func() Snapshot {
		return Snapshot{Running: map[string]int{"DoGet": 1}, Engine: reader.Counters{Disks: []reader.Disk{{Name: "/data"}}}}
	})
	m.Done("DoGet", "OK", time.Second)
	all, err := m.Gatherer().Gather()
	require.NoError(t, err)
	return all
}

// labels are those of a family, with their values where they are always the same.
func labels(f *dto.MetricFamily) string {
	names := map[string][]string{}
	var order []string
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if names[l.GetName()] == nil {
				order = append(order, l.GetName())
			}
			names[l.GetName()] = append(names[l.GetName()], l.GetValue())
		}
	}
	for i, name := range order {
		order[i] = "`" + name + "`"
		if all := names[name]; len(all) > 1 {
			slices.Sort(all)
			order[i] += " (" + strings.Join(all, ", ") + ")"
		}
	}
	return strings.Join(order, ", ")
}

// TestDocumented: docs/metrics.md has every metric, and none that is not there.
func TestDocumented(t *testing.T) {
	var out strings.Builder
	out.WriteString(head)
	for _, f := range gathered(t) {
		if strings.HasPrefix(f.GetName(), "mtflight_") {
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), labels(f), f.GetHelp())
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(out.String()), 0o644))
	}
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, out.String(), string(text), "go test ./flight/internal/metrics -update")
}

// TestNames are Prometheus': counters end with _total.
func TestNames(t *testing.T) {
	for _, f := range gathered(t) {
		if strings.HasPrefix(f.GetName(), "mtflight_") {
			require.Equal(t, f.GetType() == dto.MetricType_COUNTER, strings.HasSuffix(f.GetName(), "_total"), f.GetName())
			require.NotEmpty(t, f.GetHelp())
		}
	}
}

// TestTableIsWhole: changing any count of a snapshot changes what a scrape gets.
func TestTableIsWhole(t *testing.T) {
	scrape := func(s Snapshot) string {
		m := New("1.0", func() Snapshot { return s })
		answer := httptest.NewRecorder()
		m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
		var ours []string
		for line := range strings.Lines(answer.Body.String()) {
			if strings.HasPrefix(line, "mtflight_") {
				ours = append(ours, line)
			}
		}
		return strings.Join(ours, "")
	}
	before, changed := scrape(Snapshot{}), 0
	var s Snapshot
	eachNumber(reflect.ValueOf(&s).Elem(), "", func(name string, v reflect.Value) {
		v.SetInt(12_345_000_000)
		require.NotEqual(t, before, scrape(s), name)
		v.SetInt(0)
		changed++
	})
	require.Greater(t, changed, 30)
}

// eachNumber calls use for every integer of a struct and those inside.
func eachNumber(v reflect.Value, name string, use func(string, reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			eachNumber(v.Field(i), name+"."+v.Type().Field(i).Name, use)
		}
	case reflect.Int, reflect.Int64:
		use(name, v)
	}
}
