package bench

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// The stages' names.
const (
	memory = "memory"
	read   = "read"
	decode = "decode"
	all    = "reader"
	sent   = "sent"
	served = "served"
)

// Bench is what to measure, and how often.
type Bench struct {
	File, Dataset string
	Fields        []string // nil: all columns
	Rounds        int
	Engine        reader.Config // its cache is this package's own affair
}

const (
	mostRounds = 1000
	mostStored = 4 << 30 // bytes of a file that are read for the stage of reading
)

// measured is a stage that can be repeated.
type measured struct {
	name  string
	bytes int64                           // that a round is for
	do    func(ctx context.Context) error // one round
	why   string                          // there is nothing to do
}

// Run measures. Errors: those of opening and reading, fault.Invalid.
func (b Bench) Run(ctx context.Context) (*Report, error) {
	if b.Rounds < 1 || b.Rounds > mostRounds {
		return nil, fault.New(fault.Invalid, "bench: rounds: 1 to %d", mostRounds)
	}
	s, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	stages, err := s.stages(ctx)
	if err != nil {
		return nil, err
	}
	r := s.report
	r.File, r.Dataset, r.Rounds = spell.Escape(b.File), b.Dataset, b.Rounds
	if r.Stages, err = rounds(ctx, stages, b.Rounds); err != nil {
		return nil, err
	}
	r.judge()
	return r, nil
}

// rounds measures the stages in turn.
func rounds(ctx context.Context, stages []measured, n int) ([]Stage, error) {
	rates, costs := make([][]float64, len(stages)), make([][]float64, len(stages))
	for range n {
		for i, s := range stages {
			if s.do == nil {
				continue
			}
			start, cpu := time.Now(), cpuTime()
			if err := s.do(ctx); err != nil {
				return nil, err
			}
			rates[i] = append(rates[i], float64(s.bytes)/1e6/time.Since(start).Seconds())
			costs[i] = append(costs[i], (cpuTime()-cpu).Seconds()/(float64(s.bytes)/1e9))
		}
	}
	out := make([]Stage, len(stages))
	for i, s := range stages {
		if out[i] = (Stage{Name: s.name, Why: s.why}); s.do != nil {
			out[i].Rate, out[i].CPU, out[i].Low, out[i].High = median(rates[i]), median(costs[i]), slices.Min(rates[i]), slices.Max(rates[i])
		}
	}
	return out, nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil { // which it does not
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
