package h5proc

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
)

// helper is a running helper process; one call at a time.
type helper struct {
	cmd    *exec.Cmd
	in     *os.File // requests
	out    *os.File // answers
	shared []byte   // slabs that fit in are here
	stderr *head
	used   bool // a call was made
}

// pipeBytes is the pipe for answers; a helper waits for its reader less often the larger it is. Linux grants this much
// to anyone (pipe(7), pipe-max-size).
const pipeBytes = 1 << 20

func start(cfg *Config) (*helper, error) {
	requests, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer requests.Close()
	out, answers, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	defer answers.Close()
	_, _ = unix.FcntlInt(answers.Fd(), unix.F_SETPIPE_SZ, pipeBytes) // a smaller one works too
	h := &helper{in: in, out: out, stderr: &head{}}
	files := []*os.File{requests, answers} // 3 and 4
	if f, mem, err := share(); err == nil {
		defer f.Close()
		files, h.shared = append(files, f), mem
	}
	h.cmd = exec.Command(cfg.Command[0], cfg.Command[1:]...)
	h.cmd.Env = environment(settings{cfg.MemoryLimit, len(h.shared)})
	h.cmd.ExtraFiles = files
	h.cmd.Stderr = h.stderr
	h.cmd.WaitDelay = time.Second
	if err := h.cmd.Start(); err != nil {
		in.Close()
		out.Close()
		h.unshare()
		return nil, err
	}
	return h, nil
}

// environment is all that a helper gets to know.
func environment(s settings) []string {
	text, _ := json.Marshal(s) // numbers and strings
	out := []string{helperEnv + "=" + string(text), "GOTRACEBACK=single", "MALLOC_ARENA_MAX=1", "HDF5_USE_FILE_LOCKING=FALSE",
		"HDF5_EXTFILE_PREFIX=${ORIGIN}"}
	for _, name := range []string{"PATH", "HDF5_PLUGIN_PATH", "HDF5_PLUGIN_PRELOAD", "LD_LIBRARY_PATH", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// call sends a request and waits for the answer, of which a slab goes to dst. Started says whether the helper has taken
// the request up; an error means that the helper is of no more use.
func (h *helper) call(q *request, frame, dst []byte) (r *response, started bool, err error) {
	h.used = true
	if _, err := h.in.Write(frame); err != nil {
		return nil, false, err
	}
	var mark [1]byte
	if _, err := io.ReadFull(h.out, mark[:]); err != nil {
		return nil, false, err
	}
	if mark[0] != picked {
		return nil, true, errFrame
	}
	r = &response{}
	if err := readFrame(h.out, r, maxResponse); err != nil {
		return nil, true, err
	}
	if r.Kind == 0 && (q.Op == opTree) != (r.File != nil) {
		return nil, true, fmt.Errorf("%w: no tree", errFrame)
	}
	switch {
	case q.Op != opSlab || r.Kind != 0:
	case len(dst) <= len(h.shared):
		copy(dst, h.shared)
	default:
		_, err = io.ReadFull(h.out, dst)
	}
	return r, true, err
}

func (h *helper) unshare() {
	if h.shared != nil {
		_ = unix.Munmap(h.shared)
	}
}

// kill stops the process and wakes a call that waits for it.
func (h *helper) kill() {
	_ = h.cmd.Process.Kill()
	past := time.Unix(1, 0)
	_ = h.in.SetDeadline(past)
	_ = h.out.SetDeadline(past)
}

// end stops the process and says how it ended.
func (h *helper) end() string {
	h.in.Close()
	h.kill()
	_ = h.cmd.Wait()
	h.out.Close()
	h.unshare()
	return h.cmd.ProcessState.String()
}

// head keeps the first bytes written to it: what a crash says first matters most.
type head struct {
	mu  sync.Mutex
	buf []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf = append(h.buf, p[:min(len(p), 16<<10-len(h.buf))]...)
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.buf)
}

// strikes counts the deaths of helpers by the file they served.
type strikes struct {
	mu    sync.Mutex
	count map[identity]int
}

const (
	maxStrikes = 2
	maxBlamed  = 4096
)

func (s *strikes) add(id identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.count) >= maxBlamed {
		clear(s.count)
	}
	s.count[id]++
}

func (s *strikes) forgive(id identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.count, id)
}

func (s *strikes) out(id identity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[id] >= maxStrikes
}

func died(q *request, how string) error {
	if q.Op == opFilter {
		return fault.New(fault.Unsupported, "h5proc: looking for the %s in HDF5_PLUGIN_PATH ended the helper process (%s)", q.subject(), how)
	}
	return fault.New(fault.DataLoss, "h5proc: %s: a helper process died on this file (%s)", q.subject(), how)
}
