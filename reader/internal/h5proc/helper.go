package h5proc

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/jail"
	"github.com/mtflight/mtflight/reader/internal/h5c"
)

// helper is a running helper process; one call at a time.
type helper struct {
	*jail.Process
	shared []byte // bytes that fit in are handed over here
	used   bool   // a call was made

	load   []uint16 // filters whose plug-ins it loads before it is sealed
	sealed bool     // it opens no file any more
}

// start starts a helper, a witness with the file that it is asked about.
func start(cfg *Config, disk *os.File) (*helper, error) {
	h := &helper{}
	if cfg.load != nil {
		h.load = cfg.load()
	}
	if err := h.launch(cfg, disk); err != nil {
		h.unshare()
		return nil, err
	}
	return h, nil
}

// launch starts the process. Behind the pipes its files are 5, the shared memory, and 6, a witness's file.
func (h *helper) launch(cfg *Config, disk *os.File) error {
	f, mem, err := share(cfg.shared)
	if err != nil {
		return err
	}
	defer f.Close()
	h.shared = mem
	cmd := exec.Command(cfg.Command[0], cfg.Command[1:]...)
	cmd.Env = environment(cfg, h.load)
	cmd.ExtraFiles = []*os.File{f}
	if disk != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, disk)
	}
	h.Process, err = jail.Start(cmd)
	return err
}

// filterEnvironment of filter helpers, which work side by side: plug-ins use one thread, and the Go runtime does, which else
// keeps waking up during a call of C to see whether another one should go on. What plug-ins free is used again, up to 32 MiB of
// it or an eighth of what the helper may have (glibc; mallopt(3)): each chunk would be decoded to pages new from the kernel.
func filterEnvironment(memory int64) []string {
	keep := min(32<<20, memory/8)
	return []string{"OMP_NUM_THREADS=1", "GOMAXPROCS=1", fmt.Sprintf("MALLOC_MMAP_THRESHOLD_=%d", keep/2), fmt.Sprintf("MALLOC_TRIM_THRESHOLD_=%d", keep)}
}

// environment is all that a helper gets to know.
func environment(cfg *Config, load []uint16) []string {
	text, _ := json.Marshal(settings{cfg.role, cfg.MemoryLimit, cfg.shared, load, h5c.Trust{User: os.Geteuid(), Hashes: cfg.Plugins}}) // numbers and strings
	out := []string{helperEnv + "=" + string(text), "GOTRACEBACK=single", "MALLOC_ARENA_MAX=1"}
	names := []string{"PATH", "LD_LIBRARY_PATH", "TMPDIR"}
	if cfg.role == filterRole {
		names = append(names, "HDF5_PLUGIN_PATH", "HDF5_PLUGIN_PRELOAD")
		out = append(out, filterEnvironment(cfg.MemoryLimit)...)
	}
	for _, name := range names {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// exchange sends a call's frame and takes its answer. Started says whether the helper has taken the call up; an error
// means that the helper is of no more use.
func (h *helper) exchange(c call) (started bool, err error) {
	h.used = true
	if err := c.send(h); err != nil {
		return false, err
	}
	var mark [1]byte
	if _, err := io.ReadFull(h.Out, mark[:]); err != nil {
		return false, err
	}
	if mark[0] != picked {
		return true, errFrame
	}
	return true, c.receive(h)
}

func (h *helper) unshare() {
	if h.shared != nil {
		_ = unix.Munmap(h.shared)
	}
}

// end stops the process, waits until it is gone and says how it ended.
func (h *helper) end(wait func(*exec.Cmd)) string {
	h.In.Close()
	h.Kill()
	wait(h.Cmd)
	h.Out.Close()
	h.unshare()
	return h.Cmd.ProcessState.String()
}
