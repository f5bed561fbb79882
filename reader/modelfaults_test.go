package reader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
)

// modelFaults happen at the n-th step of a run: before a read of the file or the decoding of chunks, or at a batch.
var modelFaults = []string{"none", "no reads", "half a file", "cut off", "rewritten", "no memory", "cancelled", "cancelled at a batch", "helpers killed", "released"}

// faultsMet counts how runs ended, by fault.
var faultsMet = map[string]int{}

// steps listens to the spans of a run, and does something at the n-th of them.
type steps struct {
	noop.TracerProvider
	left atomic.Int64
	act  func()
}

type stepTracer struct {
	noop.Tracer
	*steps
}

// step is a span that records, so that those below it are begun.
type step struct {
	noop.Span
	*steps
}

func (s *steps) Tracer(string, ...trace.TracerOption) trace.Tracer { return stepTracer{steps: s} }
func (s step) IsRecording() bool                                   { return true }
func (s step) TracerProvider() trace.TracerProvider                { return s.steps }

func (t stepTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if (name == "read file" || name == "decode chunks") && t.left.Add(-1) == 0 {
		t.act()
	}
	span := step{steps: t.steps}
	return trace.ContextWithSpan(ctx, span), span
}

// modelled is one case under way.
type modelled struct {
	t      *testing.T
	seed   uint64
	c      *modelCase
	e      *Engine
	file   *File
	fault  string
	undo   []func()
	cancel context.CancelFunc
	batch  int // at which something happens; 0: nothing does
	own    bool
}

// someOf draws a dataset, mostly one with rows enough for several batches.
func someOf(all []*plainAnswer, rng *rand.Rand) *plainAnswer {
	a := all[rng.IntN(len(all))]
	for try := 0; try < 4 && len(a.whole) < 60; try++ {
		a = all[rng.IntN(len(all))]
	}
	return a
}

func modelRun(t *testing.T, all []*plainAnswer, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 18))
	m := &modelled{t: t, seed: seed, c: someOf(all, rng).draw(rng), fault: modelFaults[rng.IntN(len(modelFaults))]}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	path := m.c.file
	if m.own = m.fault == "cut off" || m.fault == "rewritten"; m.own {
		path = filepath.Join(t.TempDir(), "copy.h5")
		whole, err := os.ReadFile(m.c.file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, whole, 0o600))
		m.c.file += " (a copy)"
		defer func() { m.c.file = strings.TrimSuffix(m.c.file, " (a copy)"); _ = os.Remove(path) }()
	}
	var err error
	m.e, err = NewEngine(Config{Workers: 1 + rng.IntN(4), Memory: []int64{4 << 20, 16 << 20, 128 << 20}[rng.IntN(3)], Helpers: 2})
	require.NoError(t, err)
	m.e.mem.Budget = bufpool.NewBudget(m.e.mem.Budget.Limit(), 50*time.Millisecond)
	if rng.IntN(2) == 0 {
		m.ask(path, nil, 0) // what is cached then
	}
	failed := m.ask(path, func() { m.strike(path) }, 1+rng.Int64N(1+rng.Int64N(5)))
	for _, undo := range m.undo {
		undo()
	}
	if failed != nil {
		faultsMet[m.fault+": "+kindOf(failed)]++
	} else {
		faultsMet[m.fault]++
	}
	if !m.own {
		require.NoError(t, m.ask(path, nil, 0), m.text("once the fault is over"))
	}
	used, _ := m.e.Memory()
	require.Zero(t, used, m.text("bytes are held"))
	require.Zero(t, m.e.frames.Used(), m.text("bytes of frames are held"))
	require.NoError(t, m.e.Close())
	m.e, m.file, m.undo = nil, nil, nil
	m.settled(goroutines, files)
}

// hold fails with the case where something is not so.
func (m *modelled) hold(so bool, what string) {
	if !so {
		require.Fail(m.t, m.text(what))
	}
}

func (m *modelled) text(what string) string {
	return fmt.Sprintf("%s: MTFLIGHT_MODEL_SEED=%d, fault %q: %s", what, m.seed, m.fault, m.c)
}

// settled waits until goroutines and descriptors are what they were: the garbage collector closes some of these.
func (m *modelled) settled(goroutines, files int) {
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > goroutines || descriptors() > files {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			require.Failf(m.t, "not all was given back", "%s: %d goroutines of %d, %d descriptors of %d\n%s", m.text(""), runtime.NumGoroutine(), goroutines,
				descriptors(), files, stacks[:runtime.Stack(stacks, true)])
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// strike is the fault.
func (m *modelled) strike(path string) {
	switch m.fault {
	case "no reads":
		m.replace(os.Open("."))
	case "half a file":
		m.replace(half(m.t, path))
	case "cut off":
		info, _ := os.Stat(path)
		_ = os.Truncate(path, info.Size()/2)
	case "rewritten":
		m.rewrite(path)
	case "no memory":
		b := m.e.mem.Budget
		for n := b.Limit(); n > 0; n /= 2 {
			if b.TryAcquire(n) {
				m.undo = append(m.undo, func() { b.Return(n) })
			}
		}
	case "cancelled":
		m.cancel()
	case "helpers killed":
		for _, pid := range childrenOf(os.Getpid()) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// replace has the file's descriptor be another file's, until the fault is over.
func (m *modelled) replace(other *os.File, err error) {
	if err != nil {
		panic(err)
	}
	defer other.Close()
	at := int(m.file.disk.Handle().Fd())
	was, err := syscall.Dup(at)
	if err == nil {
		err = syscall.Dup3(int(other.Fd()), at, 0)
	}
	if err != nil {
		panic(err)
	}
	m.undo = append(m.undo, func() {
		_ = syscall.Dup3(was, at, 0)
		_ = syscall.Close(was)
	})
}

// half is a file of the first half of another one's bytes.
func half(t *testing.T, path string) (*os.File, error) {
	whole, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(t.TempDir(), "half")
	if err == nil {
		_, err = f.Write(whole[:len(whole)/2])
	}
	return f, err
}

// rewrite gives the file other bytes in its second half, and its time.
func (m *modelled) rewrite(path string) {
	whole, err := os.ReadFile(path)
	info, serr := os.Stat(path)
	if err = errors.Join(err, serr); err != nil {
		panic(err)
	}
	for i := len(whole) / 2; i < len(whole); i++ {
		whole[i] ^= 0x5a
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	_, err = f.Write(whole)
	if err = errors.Join(err, f.Close(), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		panic(err)
	}
}

func childrenOf(parent int) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		stat, rerr := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil || rerr != nil {
			continue
		}
		behind := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(behind) > 1 && string(behind[1]) == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ask reads, with something that happens at the n-th step (nil: nothing does), and compares what came. The error is the run's.
func (m *modelled) ask(path string, act func(), n int64) error {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m.cancel, m.batch = cancel, 0
	if act != nil {
		s := &steps{act: act}
		s.left.Store(n)
		ctx = trace.ContextWithSpan(ctx, step{steps: s})
		if m.fault == "cancelled at a batch" || m.fault == "released" {
			m.batch = int(n)
		}
	}
	f, err := m.e.Open(ctx, Location{Path: path})
	if err != nil {
		return err
	}
	m.file = f
	d, err := f.Dataset(ctx, m.c.path)
	if err != nil {
		return err
	}
	p, err := d.Plan(ctx, m.c.request)
	if fault.Of(err) == fault.Invalid {
		require.NoError(m.t, err, m.text("the model's request"))
	}
	if err != nil {
		return err
	}
	run := p.Run(ctx)
	defer run.Release()
	return m.compare(run)
}

// compare holds what comes against the model.
func (m *modelled) compare(run *Run) error {
	c, r := m.c, m.c.request
	total, given, next := len(c.rows), 0, 0
	seen := map[int]bool{}
	left := map[string]int{} // rows of equal keys come in any order
	for k := range c.whole {
		left[c.row(k, r.Fields)]++
	}
	for batches := 1; run.Next(); batches++ {
		b, rec := run.Block(), run.Record()
		n := int(rec.NumRows())
		m.hold(n == int(b.Rows), "rows of a block")
		got, want := make([]string, n), make([]string, n)
		for k := range n {
			values := []string{}
			for _, column := range rec.Columns() {
				values = append(values, textOf(column, k))
			}
			got[k] = strings.Join(values, "|")
			at := int(b.Cycle)*total + int(b.Row) + k
			m.hold(total > 0 && !seen[at], "a row came twice")
			seen[at] = true
			want[k] = c.row(c.rows[at%total], r.Fields)
		}
		if s := r.Stream; (s == nil || !s.Unordered && s.Shuffle == nil) && n > 0 {
			m.hold(next == int(b.Cycle)*total+int(b.Row), "order of blocks")
		}
		next += n
		if r.Stream != nil && r.Stream.ShuffleRows {
			slices.Sort(got)
			slices.Sort(want)
		}
		if r.SortBy != "" {
			m.sorted(got, b, left)
		} else {
			m.hold(slices.Equal(want, got), "WRONG VALUES")
		}
		if given += n; batches == m.batch {
			if m.fault == "released" {
				return context.Canceled
			}
			m.cancel()
		}
	}
	if run.Err() == nil {
		require.Equal(m.t, c.gives(), given, m.text("WRONG NUMBER OF ROWS"))
	}
	return run.Err()
}

// sorted holds rows against those that there are, and their keys, if they are among the fields, against the model's.
func (m *modelled) sorted(got []string, b Block, left map[string]int) {
	c, r := m.c, m.c.request
	for _, row := range got {
		left[row]--
		m.hold(left[row] >= 0 || r.Stream != nil && r.Stream.Cyclic, "WRONG VALUES: no such row")
	}
	fields := r.Fields
	if fields == nil {
		fields = c.names
	}
	key := slices.Index(fields, r.SortBy)
	if key < 0 {
		return
	}
	keys, want := []string{}, []string{}
	for k, row := range got {
		keys = append(keys, strings.Split(row, "|")[key])
		want = append(want, c.column(r.SortBy)[c.rows[(int(b.Cycle)*len(c.rows)+int(b.Row)+k)%len(c.rows)]])
	}
	if r.Stream != nil && r.Stream.ShuffleRows {
		slices.Sort(keys)
		slices.Sort(want)
	}
	m.hold(slices.Equal(want, keys), "WRONG ORDER")
}
