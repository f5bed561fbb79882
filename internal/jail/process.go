package jail

import (
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a helper at work. Who started it closes its pipes and waits for its command; one goroutine reads, one writes, Kill and Said
// are for any.
type Process struct {
	Cmd     *exec.Cmd
	In, Out *os.File // to it, and from it
	said    head
}

// Start starts a command as a helper: its files 3 and 4 are the pipes, and behind them come those of ExtraFiles.
func Start(cmd *exec.Cmd) (*Process, error) {
	asked, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer asked.Close()
	out, answers, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	defer answers.Close()
	Widen(out)
	p := &Process{Cmd: cmd, In: in, Out: out}
	cmd.ExtraFiles = append([]*os.File{asked, answers}, cmd.ExtraFiles...)
	cmd.Stderr = &p.said
	cmd.WaitDelay = time.Second
	Settle(cmd)
	if err := cmd.Start(); err != nil {
		in.Close()
		out.Close()
		return nil, err
	}
	return p, nil
}

// pipeBytes is what a pipe holds: who writes waits for its reader less often the larger it is. Linux grants this much to anyone
// (pipe(7), pipe-max-size).
const pipeBytes = 1 << 20

// Widen makes a pipe as large as may be. A smaller one works, too.
func Widen(pipe *os.File) {
	if c, err := pipe.SyscallConn(); err == nil { // not by Fd, after which deadlines may be of no use
		_ = c.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeBytes) })
	}
}

// Kill stops the process and wakes who reads from it or writes to it.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	past := time.Unix(1, 0)
	_ = p.In.SetDeadline(past)
	_ = p.Out.SetDeadline(past)
}

// Said is the first that it wrote to its standard error.
func (p *Process) Said() string { return p.said.String() }

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
