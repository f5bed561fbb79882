package h5proc

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// faulted is the pages that the only helper of a pool has got from the kernel.
func faulted(t *testing.T, f *Filters) (pages int) {
	h := <-f.slots
	f.slots <- h
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.Cmd.Process.Pid))
	require.NoError(t, err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	_, err = fmt.Sscan(fields[7], &pages) // minflt
	require.NoError(t, err)
	return pages
}

// What a plug-in frees serves for the next chunk: glibc gives back what is more than twice the largest buffer.
func TestFilterHelpersUseMemoryAgain(t *testing.T) {
	plugged(t, []string{"-DID=398", "-DSCRATCH"})
	f := newFilters(t, Config{Helpers: 1})
	undo := func(times int) {
		for range times {
			_, err := f.Undo(ctx, chunks(398, 1<<20, make([]byte, 1<<20)))
			require.NoError(t, err)
		}
	}
	undo(4)
	before := faulted(t, f)
	undo(8)
	require.Less(t, faulted(t, f)-before, (1<<20)/os.Getpagesize(), "eight chunks cost pages of more than one buffer")
}

// A helper whose plug-in never returns ends with its parent all the same.
func TestStuckFilterHelperEndsWithItsParent(t *testing.T) {
	plugged(t, []string{"-DID=398", "-DHANG"})
	cfg := Config{shared: 1 << 20, role: filterRole}
	cfg.defaults()
	h, err := start(&cfg, nil)
	require.NoError(t, err)
	defer h.end(func(cmd *exec.Cmd) { _ = cmd.Wait() })
	c := &undo{Chunks: chunks(398, 3, []byte("one"))}
	require.NoError(t, c.send(h))
	var mark [1]byte
	_, err = h.Out.Read(mark[:])
	require.NoError(t, err)
	time.Sleep(50 * time.Millisecond) // it is in the plug-in
	require.NoError(t, h.In.Close())  // as the kernel does when the parent dies
	require.NoError(t, h.Out.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = h.Out.Read(mark[:])
	require.ErrorContains(t, err, "EOF", "still running")
}
