// Command observability writes grafana.json, the dashboard: go run . (make dashboard). It is a module of its own, since the server
// needs none of this.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// panel is a graph of expressions by their legends.
type panel struct {
	title, unit, about string
	lines              [][2]string // legend, expression
}

const here = `{job=~"$job",instance=~"$instance"}`

var rows = []struct {
	title  string
	panels []panel
}{
	{"Requests", []panel{
		{"Requests by kind", "reqps", "Requests that end each second.", [][2]string{{"{{kind}}", `sum by (kind) (rate(mtflight_requests_total` + here + `[$__rate_interval]))`}}},
		{"Failures by code", "reqps", "NotFound and InvalidArgument are the clients'; Internal, DataLoss and ResourceExhausted are to be looked at.",
			[][2]string{{"{{code}}", `sum by (code) (rate(mtflight_requests_total{job=~"$job",instance=~"$instance",code!="OK"}[$__rate_interval]))`}}},
		{"Latency, 95th percentile", "s", "That of streams has what their clients took.",
			[][2]string{{"{{kind}}", `histogram_quantile(0.95, sum by (le, kind) (rate(mtflight_request_seconds_bucket` + here + `[$__rate_interval])))`}}},
		{"Running", "short", "Requests that run now.", [][2]string{{"{{kind}}", `sum by (kind) (mtflight_requests_running` + here + `)`}}},
	}},
	{"Data", []panel{
		{"Bytes", "Bps", "Read of files, decoded, sent.", [][2]string{
			{"sent", `sum(rate(mtflight_bytes_sent_total` + here + `[$__rate_interval]))`},
			{"decoded", `sum(rate(mtflight_decoded_bytes_total` + here + `[$__rate_interval]))`},
			{"read by {{by}}", `sum by (by) (rate(mtflight_read_bytes_total` + here + `[$__rate_interval]))`}}},
		{"Rows sent", "short", "Each second.", [][2]string{{"rows", `sum(rate(mtflight_rows_sent_total` + here + `[$__rate_interval]))`}}},
		{"What streams wait for", "short", "Streams that wait at a time: for batches (disk, workers, memory) or for their clients.",
			[][2]string{{"{{for}}", `sum by (for) (rate(mtflight_stream_wait_seconds_total` + here + `[$__rate_interval]))`}}},
		{"Cache hits", "percentunit", "Of chunks wanted in part, and of files.", [][2]string{
			{"chunks", `sum(rate(mtflight_chunk_cache_total{job=~"$job",instance=~"$instance",result="hit"}[$__rate_interval])) / sum(rate(mtflight_chunk_cache_total` + here + `[$__rate_interval]))`},
			{"files", `sum(rate(mtflight_file_cache_total{job=~"$job",instance=~"$instance",result="hit"}[$__rate_interval])) / sum(rate(mtflight_file_cache_total` + here + `[$__rate_interval]))`}}},
	}},
	{"Resources", []panel{
		{"Memory by holder", "bytes", "Those of the budget, and the caches beside it.", [][2]string{
			{"{{holder}}", `sum by (holder) (mtflight_memory_bytes` + here + `)`}, {"budget", `sum(mtflight_memory_budget_bytes` + here + `)`}}},
		{"Workers and queue", "short", "", [][2]string{{"busy", `sum(mtflight_workers_busy` + here + `)`}, {"workers", `sum(mtflight_workers` + here + `)`},
			{"tasks waiting", `sum(mtflight_tasks_waiting` + here + `)`}, {"requests waiting for memory", `sum(mtflight_memory_waiting` + here + `)`}}},
		{"Helpers", "short", "Processes that call libhdf5 or plug-ins.", [][2]string{{"running {{role}}", `sum by (role) (mtflight_helpers` + here + `)`},
			{"died {{role}}", `sum by (role) (increase(mtflight_helpers_died_total` + here + `[$__rate_interval]))`}}},
		{"Process", "short", "CPUs and share of the time in garbage collection's pauses.", [][2]string{{"CPUs", `sum(rate(process_cpu_seconds_total` + here + `[$__rate_interval]))`},
			{"pauses", `sum(rate(go_gc_duration_seconds_sum` + here + `[$__rate_interval]))`}, {"open files / limit", `max(process_open_fds` + here + ` / process_max_fds` + here + `)`}}},
	}},
}

func build() (dashboard.Dashboard, error) {
	b := dashboard.NewDashboardBuilder("mtflight").Uid("mtflight").Tags([]string{"mtflight"}).Refresh("30s").Time("now-1h", "now").
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Type("prometheus"))
	for _, name := range []string{"job", "instance"} {
		query := fmt.Sprintf("label_values(mtflight_build_info, %s)", name)
		b.WithVariable(dashboard.NewQueryVariableBuilder(name).Query(dashboard.StringOrMap{String: &query}).Datasource(source()).Multi(true).IncludeAll(true))
	}
	for _, r := range rows {
		b.WithRow(dashboard.NewRowBuilder(r.title))
		for _, p := range r.panels {
			b.WithPanel(p.build())
		}
	}
	return b.Build()
}

func source() common.DataSourceRef {
	kind, uid := "prometheus", "$datasource"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

func (p panel) build() *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().Title(p.title).Unit(p.unit).Description(p.about).Datasource(source()).Span(6).Height(8)
	for _, l := range p.lines {
		b.WithTarget(prometheus.NewDataqueryBuilder().LegendFormat(l[0]).Expr(l[1]))
	}
	return b
}

func main() {
	d, err := build()
	if err == nil {
		var text []byte
		if text, err = json.MarshalIndent(d, "", "  "); err == nil {
			err = os.WriteFile("grafana.json", append(text, '\n'), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
