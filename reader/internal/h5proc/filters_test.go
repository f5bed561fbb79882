package h5proc

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
)

// undoer is what both implementations are to the reader.
type undoer interface {
	Find(ctx context.Context, filter uint16) error
	Undo(ctx context.Context, c Chunks) ([][]byte, error)
	Close() error
}

func newFilters(t *testing.T, cfg Config) *Filters {
	f := NewFilters(cfg)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// plugged is a folder with the plug-in of 399, which inverts bytes, and more that do as their flags say.
func plugged(t *testing.T, more ...[]string) string {
	t.Helper()
	dir := t.TempDir()
	flags, err := exec.Command("pkg-config", "--cflags", "hdf5").Output()
	require.NoError(t, err)
	for i, m := range append(more, []string{"-DID=399"}) {
		args := append([]string{"-shared", "-fPIC", "-o", filepath.Join(dir, "lib"+string(rune('a'+i))+".so"), "../../testdata/plugins/flip.c"}, m...)
		out, err := exec.Command("cc", append(args, strings.Fields(string(flags))...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	t.Setenv("HDF5_PLUGIN_PATH", dir)
	return dir
}

func inverted(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i] ^= 0xff
	}
	return out
}

// chunks are some to be undone by a filter, with room as they need it.
func chunks(filter uint16, most int, b ...[]byte) Chunks {
	return Chunks{File: "file", Name: "a.h5", Filter: filter, Params: []uint32{1, 2, 3}, Bytes: b, Most: most, Out: func(n int) []byte { return make([]byte, n) }}
}

func TestFiltersUndo(t *testing.T) {
	plugged(t, []string{"-DID=398", "-DFAIL"}, []string{"-DID=397", "-DMORE"})
	for name, f := range map[string]undoer{"helpers": newFilters(t, Config{Helpers: 1}), "here": &InProcess{}} {
		require.NoError(t, f.Find(ctx, 399), name)
		require.ErrorIs(t, f.Find(ctx, 299), fault.Unsupported, name)
		one, two := []byte("one"), []byte("another")
		src := bytes.Clone(one)
		got, err := f.Undo(ctx, chunks(399, 3, src))
		require.NoError(t, err, name)
		require.Equal(t, [][]byte{inverted(one)}, got, name)
		require.Equal(t, one, src, name)
		got, err = f.Undo(ctx, chunks(399, 7, one, two))
		require.NoError(t, err, name)
		require.Equal(t, [][]byte{inverted(one), inverted(two)}, got, name)
		_, err = f.Undo(ctx, chunks(399, 2, one))
		require.ErrorIs(t, err, fault.DataLoss, name)
		require.EqualError(t, err, "its plug-in gives 3 bytes where there can be at most 2", name)
		require.False(t, Unanswered(err), name)
		got, err = f.Undo(ctx, chunks(399, 3, two, one))
		require.NoError(t, err, name)
		require.Equal(t, [][]byte{nil, inverted(one)}, got, name)
		_, err = f.Undo(ctx, chunks(398, 3, one))
		require.ErrorContains(t, err, "could not decode 3 bytes", name)
		got, err = f.Undo(ctx, chunks(397, 6, one))
		require.NoError(t, err, name)
		require.Equal(t, append(inverted(one), inverted(one)...), got[0], name)
		_, err = f.Undo(ctx, chunks(299, 3, one))
		require.ErrorIs(t, err, fault.Unsupported, name)
	}
}

// A helper opens no file once it has a chunk, and makes way for one that loads a plug-in that it does not have.
func TestFilterHelpersOpenNoFile(t *testing.T) {
	plugged(t, []string{"-DID=398", "-DOPENS"}, []string{"-DID=397", "-DOPENS"})
	f := newFilters(t, Config{Helpers: 1})
	pid := func() int {
		h := <-f.slots
		f.slots <- h
		return h.Cmd.Process.Pid
	}
	undone := func(filter uint16) {
		got, err := f.Undo(ctx, chunks(filter, 3, []byte("one")))
		require.NoError(t, err)
		require.Equal(t, inverted([]byte("one")), got[0])
	}
	require.NoError(t, f.Find(ctx, 398))
	first := pid()
	undone(398)
	undone(398)
	require.Equal(t, first, pid(), "one that has only looked loads what is asked for")
	require.NoError(t, f.Find(ctx, 397))
	second := pid()
	require.NotEqual(t, first, second)
	for range 3 {
		undone(397)
		undone(398)
	}
	require.Equal(t, second, pid(), "it has loaded both")
	require.Empty(t, f.strikes.count)
}

// Chunks of any size go through the shared memory, of which only the beginning is kept.
func TestFiltersTakeLargeChunks(t *testing.T) {
	plugged(t)
	f := newFilters(t, Config{Helpers: 1})
	for _, n := range []int{1, keptShared - 1, 40<<20 + 7, 3} {
		src := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, n/7+1)[:n]
		got, err := f.Undo(ctx, chunks(399, n, src))
		require.NoError(t, err)
		require.True(t, bytes.Equal(inverted(src), got[0]), "%d bytes", n)
	}
	h := <-f.slots
	f.slots <- h
	there := make([]byte, (100<<20)/os.Getpagesize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&h.shared[keptShared])), 100<<20, uintptr(unsafe.Pointer(&there[0])))
	require.Zero(t, errno)
	require.Equal(t, -1, bytes.IndexByte(there, 1), "a page is kept")

	_, err := f.Undo(ctx, chunks(399, MaxChunk, make([]byte, MaxChunk), []byte{1}))
	require.ErrorIs(t, err, fault.Unsupported)
}

func TestFiltersSideBySide(t *testing.T) {
	plugged(t)
	f := newFilters(t, Config{Helpers: 2})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			src := bytes.Repeat([]byte{byte(i)}, 100_000+i)
			for range 20 {
				got, err := f.Undo(ctx, chunks(399, len(src), src))
				if err != nil || !bytes.Equal(got[0], inverted(src)) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
}

// Of many chunks it is not known which one ended a helper: they are tried again one by one, by the caller.
func TestDeathsOfFilterHelpers(t *testing.T) {
	starts := filepath.Join(t.TempDir(), "starts")
	f := newFilters(t, Config{Helpers: 1, Command: script("echo >>" + starts + "; " + dies)})
	count := func() int {
		b, err := os.ReadFile(starts)
		require.NoError(t, err)
		return len(b)
	}
	c := chunks(399, 1, []byte{1}, []byte{2})
	_, err := f.Undo(ctx, c)
	require.True(t, Unanswered(err))
	require.Equal(t, 1, count())
	c.Bytes = c.Bytes[:1]
	_, err = f.Undo(ctx, c)
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "its plug-in ended the helper process (exit status 3)")
	require.Equal(t, 2, count())
	_, err = f.Undo(ctx, c)
	require.ErrorContains(t, err, "nothing more is given to them until it changes")
	require.Equal(t, 2, count())
	c.File = "another state of the file"
	_, err = f.Undo(ctx, c)
	require.ErrorContains(t, err, "ended the helper process")
	require.Equal(t, 4, count())
	for range 2 {
		err := f.Find(ctx, 399)
		require.ErrorIs(t, err, fault.Unsupported)
		require.ErrorContains(t, err, "looking for the plug-in of filter 399 in HDF5_PLUGIN_PATH ended the helper process (")
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	c.File = "a third"
	_, err = f.Undo(short, c)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, f.strikes.out(c.File))
}

// Chunks that do no harm take nothing back from a file that ended two helpers.
func TestRefusedFilesStayRefused(t *testing.T) {
	s := newStrikes()
	s.add("once")
	s.forgive("once")
	require.False(t, s.out("once"))
	s.refuse("twice")
	s.forgive("twice")
	require.True(t, s.out("twice"))
}

func TestMalformedAnswersOfFilterHelpers(t *testing.T) {
	for name, answer := range map[string]string{
		"no mark":   `printf 'hello'`,
		"huge":      `printf '\245\377\377\377\377'`,
		"cut":       `printf '\245\014\000\000\000\000\000\000\000'; exec 1>&-`,
		"no length": `printf '\245\004\000\000\000\000\000\000\000'`,
		"too much":  `printf '\245\014\000\000\000\000\000\000\000\002\000\000\000\000\000\000\000'`,
		"no answer": `printf '\245'; exit 0`,
	} {
		f := newFilters(t, Config{Helpers: 1, CallTimeout: time.Minute, Command: script(takes + `exec >&4 4>&-; ` + answer + `; exec sleep 0.2`)})
		_, err := f.Undo(ctx, chunks(399, 1, []byte{1}))
		require.ErrorIs(t, err, fault.DataLoss, name)
		require.True(t, Unanswered(err), name)
	}
}

// A witness gets to know no plug-in, and one that is there does it no good; a filter helper knows nothing of files.
func TestRolesAreNotMixed(t *testing.T) {
	plugged(t)
	t.Setenv("HDF5_PLUGIN_PRELOAD", "")
	environ := func(r role) string {
		return strings.Join(environment(&Config{role: r}, nil), "\n")
	}
	require.NotContains(t, environ(witnessRole), "HDF5_PLUGIN")
	require.Contains(t, environ(filterRole), "HDF5_PLUGIN_PATH=")
	file := opened(t, "../../testdata/plugins/own.h5")
	for _, s := range []source{witnesses(t, Config{Helpers: 1}), &InProcess{}} {
		err := s.ReadSlab(ctx, file, "/flip", []uint64{8, 0, 0}, []uint64{1, 1, 1}, make([]byte, 4))
		require.ErrorIs(t, err, fault.DataLoss)
		require.ErrorContains(t, err, "filter")
	}
}

// FuzzAnswers proves that no answer of a helper makes the parent panic or look outside the memory.
func FuzzAnswers(f *testing.F) {
	f.Add(frame(undoneHead{}, []uint64{3, 4})[4:], uint8(2), uint16(7))
	f.Add(frame(undoneHead{7}, []byte("no"))[4:], uint8(1), uint16(9))
	f.Add(frame(undoneHead{}, []uint64{1 << 63, 1 << 63})[4:], uint8(2), uint16(1))
	f.Fuzz(func(t *testing.T, answer []byte, n uint8, most uint16) {
		c := &undo{Chunks: chunks(399, int(most), make([][]byte, n)...)}
		if c.parse(bytes.NewBuffer(answer), make([]byte, c.bytes())) == nil && c.err == nil {
			require.Len(t, c.undone, int(n))
		}
	})
}

// FuzzRequests proves the same of the helper, whatever its parent asks.
func FuzzRequests(f *testing.F) {
	f.Add(frame(undoHead{Filter: 299, Chunks: 2, Most: 8}, []uint64{3, 4}, []uint32{1})[4:])
	f.Add(frame(undoHead{Filter: 299, Find: true})[4:])
	f.Add(binary.LittleEndian.AppendUint64(nil, 1<<63))
	f.Setenv("HDF5_PLUGIN_PATH", "")
	f.Fuzz(func(t *testing.T, request []byte) {
		_, err := undoAll(bytes.NewBuffer(request), make([]byte, 64), func(uint16) {})
		require.True(t, err != nil || len(request) >= 16)
	})
}
