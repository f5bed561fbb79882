package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
)

// Report is what a Bench found.
type Report struct {
	File    string   `json:"file"`
	Dataset string   `json:"dataset"`
	Bytes   int64    `json:"bytes"`  // of the elements
	Stored  int64    `json:"stored"` // of those of the file that read reads, 4 GiB at most; 0: they cannot be read apart
	Filters []string `json:"filters"`
	Workers int      `json:"workers"`
	Rounds  int      `json:"rounds"`
	Stages  []Stage  `json:"stages"`
	Limit   string   `json:"limit"`          // the slowest of the stages that are alone
	Reached float64  `json:"reached"`        // the reader's rate by that stage's
	Served  float64  `json:"served_reached"` // the served rate by the slower one of the reader's and of sending alone
}

// Stage is one that was measured.
type Stage struct {
	Name string  `json:"name"`
	Rate float64 `json:"mb_per_s"`         // 10^6 decoded bytes a second, the median of the rounds
	CPU  float64 `json:"cpu_s_per_gb"`     // of this process, in a round of the same rank
	Low  float64 `json:"low"`              // the slowest round
	High float64 `json:"high"`             // the fastest one
	Why  string  `json:"reason,omitempty"` // it was not measured
}

// stage finds one that was measured.
func (r *Report) stage(name string) *Stage {
	i := slices.IndexFunc(r.Stages, func(s Stage) bool { return s.Name == name && s.Why == "" })
	if i < 0 {
		return nil
	}
	return &r.Stages[i]
}

// judge tells which stage limits the others.
func (r *Report) judge() {
	var slowest *Stage
	for _, name := range []string{read, decode} {
		if s := r.stage(name); s != nil && (slowest == nil || s.Rate < slowest.Rate) {
			slowest = s
		}
	}
	whole, sent, served := r.stage(all), r.stage(sent), r.stage(served)
	if slowest != nil && whole != nil {
		r.Limit, r.Reached = slowest.Name, whole.Rate/slowest.Rate
	}
	if whole != nil && served != nil {
		limit := whole.Rate
		if sent != nil {
			limit = min(limit, sent.Rate)
		}
		r.Served = served.Rate / limit
	}
}

// text is a report for people.
func (r *Report) text(s terminal.Screen) string {
	g := terminal.Grid{Columns: []terminal.Column{{Head: "stage", Style: terminal.Name}, {Head: "MB/s", Right: true}, {Head: "slowest", Right: true}, {Head: "fastest", Right: true},
		{Head: "CPU s/GB", Right: true}, {Head: "", Free: true, Style: terminal.Faint}}}
	for _, one := range r.Stages {
		if one.Why != "" {
			g.Rows = append(g.Rows, []string{one.Name, "-", "", "", "", terminal.Printable(one.Why)})
			continue
		}
		g.Rows = append(g.Rows, []string{one.Name, whole(one.Rate), whole(one.Low), whole(one.High), fmt.Sprintf("%.2f", one.CPU), ""})
	}
	return r.head() + g.Write(s) + r.verdict()
}

func (r *Report) head() string {
	stored := ""
	if r.Stored > 0 {
		stored = fmt.Sprintf("%s MB of the file, ", whole(float64(r.Stored)/1e6))
	}
	filters := "no filters"
	if len(r.Filters) > 0 {
		filters = strings.Join(r.Filters, " + ")
	}
	return terminal.Printable(fmt.Sprintf("%s %s: %s MB, %s%s; %d workers, %d rounds", r.File, r.Dataset, whole(float64(r.Bytes)/1e6), stored, filters, r.Workers, r.Rounds)) + "\n\n"
}

func (r *Report) verdict() string {
	var lines []string
	if r.Limit != "" {
		lines = append(lines, fmt.Sprintf("In process %s limits it, of which the reader reaches %.0f %%.", map[string]string{read: "reading", decode: "undoing the filters"}[r.Limit], 100*r.Reached))
	}
	if r.Served > 0 {
		lines = append(lines, fmt.Sprintf("Served, it reaches %.0f %% of the slower one of reader and connection, which share the processors with each other and with the client.", 100*r.Served))
	}
	if len(lines) == 0 {
		return ""
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

// whole is a rate or size with three digits at least.
func whole(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.0f", v)
}
