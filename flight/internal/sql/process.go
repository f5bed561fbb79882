package sql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/jail"
)

// Engine says which program carries out statements, and what each may take.
type Engine struct {
	Path    string // "": there is none
	Memory  int64  // of each, beside the Budget; 0: a part of it
	Budget  Budget // the server's
	Threads int
	Time    time.Duration // from its turn to its end, its client's slowness included
	Each    int           // at once of one owner, an identity or a connection; 0: as many as there may be
	Rows    int64         // of its result; 0: all
}

// Budget is the server's memory, as reader.Engine has it: Reserve and Return are for what lies elsewhere, Acquire and Release for this process' own.
type Budget interface {
	Reserve(ctx context.Context, n int64, wait bool) (bool, error)
	Return(n int64)
	Acquire(ctx context.Context, n int64) error
	Release(n int64)
	Memory() (used, all int64)
}

// Find is where the program is, by what a setting says: its path, off, or nothing, for beside this program. "": there is none.
func Find(setting string) string {
	switch setting {
	case "off":
		return ""
	case "":
		self, err := os.Executable()
		if err != nil {
			return ""
		}
		setting = filepath.Join(filepath.Dir(self), "mtflight-sql")
		if info, err := os.Stat(setting); err != nil || !info.Mode().IsRegular() {
			return ""
		}
	}
	if at, err := exec.LookPath(setting); err == nil {
		setting = at
	}
	if at, err := filepath.Abs(setting); err == nil { // what starts it is elsewhere
		setting = at
	}
	return setting
}

// Statements run at once at most; others wait for their turn.
const Statements = 4

// least is what the engine needs for itself and a small statement.
const least = 64 << 20

// Share is what each statement may take, its engine's own memory included: what is set, or a sixteenth of a server's memory, more where
// that is little. And it is how many statements may run: those that together take half of that memory, or one.
func Share(set, all int64) (each int64, most int) {
	if set > 0 {
		return max(set, least), Statements
	}
	each = max(all/16, min(256<<20, all/8), least)
	return each, int(min(max(all/2/each, 1), Statements))
}

// engines starts a process for each statement.
type engines struct {
	Engine
	begin    func() // sets
	share    int64  // of each, and
	reserved int64  // of it in the Budget, and
	slots    chan struct{}

	waiting atomic.Int64 // statements for their turn

	mu      sync.Mutex
	starter jail.Starter // nil: nothing was started yet
	owners  map[any]*places
}

func newEngines(e Engine) *engines {
	n := &engines{Engine: e, owners: map[any]*places{}}
	n.begin = sync.OnceFunc(func() {
		_, all := e.Budget.Memory()
		each, most := Share(e.Memory, all)
		n.reserved = min(each, all/2) // the rest is for the rows that it asks for
		n.share, n.slots = each, make(chan struct{}, most)
		if n.Each <= 0 {
			n.Each = most
		}
	})
	return n
}

// close ends what was started.
func (e *engines) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.starter != nil {
		e.starter.End()
		e.starter = nil
	}
}

func (e *engines) do(f func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.starter == nil {
		e.starter = jail.NewStarter()
	}
	return e.starter.Do(f)
}

// process is an engine at work. end ends it.
type process struct {
	*jail.Process
	free func()
}

// places are those of one owner.
type places struct {
	taken chan struct{}
	users int // that have or want one
}

// turn waits until an owner may have one more statement, and there is room for it. What it gives ends that.
func (e *engines) turn(ctx context.Context) (free func(), err error) {
	e.begin()
	owner := bufpool.OwnerOf(ctx)
	e.mu.Lock()
	own := e.owners[owner]
	if own == nil {
		own = &places{taken: make(chan struct{}, e.Each)}
		e.owners[owner] = own
	}
	own.users++
	e.mu.Unlock()
	leave := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(e.owners, owner)
		}
	}
	e.waiting.Add(1)
	defer e.waiting.Add(-1)
	for i, slots := range []chan struct{}{own.taken, e.slots} {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			if i > 0 {
				<-own.taken
			}
			leave()
			return nil, context.Cause(ctx)
		}
	}
	return func() {
		<-e.slots
		<-own.taken
		leave()
	}, nil
}

// room waits for a turn, and then for the memory of a statement. What it gives ends both.
func (e *engines) room(ctx context.Context) (free func(), err error) {
	leave, err := e.turn(ctx)
	if err != nil || e.Memory > 0 {
		return leave, err
	}
	if _, err := e.Budget.Reserve(ctx, e.reserved, true); err != nil {
		leave()
		return nil, err
	}
	return func() {
		e.Budget.Return(e.reserved)
		leave()
	}, nil
}

// start waits for a turn and starts an engine.
func (e *engines) start(ctx context.Context) (*process, error) {
	free, err := e.room(ctx)
	if err != nil {
		return nil, err
	}
	p := &process{free: free}
	if err := e.do(func() error { return p.launch(e) }); err != nil {
		p.free()
		return nil, fault.New(fault.Unavailable, "the SQL engine does not start: %w", err)
	}
	return p, nil
}

func (p *process) launch(e *engines) (err error) {
	cmd := exec.Command(e.Path)
	cmd.Env = []string{fmt.Sprintf("MTFLIGHT_SQL_MEMORY=%d", e.share), "GOTRACEBACK=single", "MALLOC_ARENA_MAX=4", fmt.Sprintf("GOMAXPROCS=%d", max(2, e.Threads))}
	if p.Process, err = jail.Start(cmd); err == nil {
		jail.Widen(p.In) // which rows go through
	}
	return err
}

// end stops the process and gives its turn to another.
func (p *process) end() {
	p.Kill()
	_ = p.Cmd.Wait()
	p.In.Close()
	p.Out.Close()
	p.free()
}

// died says why an engine went away by itself.
func (p *process) died(cause error) error {
	if !errors.Is(cause, io.EOF) && !errors.Is(cause, io.ErrUnexpectedEOF) { // it may live on
		p.Kill()
	}
	_ = p.Cmd.Wait()
	said := p.Said()
	if strings.Contains(said, "bad_alloc") || strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate memory") {
		return fault.New(fault.Exhausted, "the statement takes more memory than it may have: ask for less at once, or give the server more (--memory)")
	}
	if first, _, _ := strings.Cut(said, "\n"); first != "" && cause != io.EOF {
		return fault.New(fault.Unavailable, "the SQL engine has ended (%v, %s): ask again", p.Cmd.ProcessState, first)
	}
	return fault.New(fault.Unavailable, "the SQL engine has ended (%v) in the middle of the statement: ask again; where it ends again, simplify the statement", p.Cmd.ProcessState)
}
