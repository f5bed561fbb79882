package stage

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

const holdEnv = "MTFLIGHT_TEST_HOLD"

// TestMain is the other process of TestReuseWaitsForOthers, where it is asked to be: it holds a file in one way until its
// input ends.
func TestMain(m *testing.M) {
	how := os.Getenv(holdEnv)
	if how == "" {
		goleak.VerifyTestMain(m)
	}
	hold(how, os.Args[1])
}

func hold(how, path string) {
	flags, prot := os.O_RDONLY, unix.PROT_READ
	if how == "map for writing" {
		flags, prot = os.O_RDWR, unix.PROT_READ|unix.PROT_WRITE
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		panic(err)
	}
	if how != "open" {
		if _, err := unix.Mmap(int(f.Fd()), 0, huge, prot, unix.MAP_SHARED); err != nil {
			panic(err)
		}
		f.Close()
	}
	_, _ = os.Stdout.WriteString("x")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// openStore is a store in shared memory.
func openStore(t *testing.T, limit int64) *Store {
	t.Helper()
	base, err := os.MkdirTemp("/dev/shm", "mtflight-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(base)) })
	s, err := Open(filepath.Join(base, "s"), limit, &budget{limit})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.Zero(t, s.Used())
	})
	return s
}

// filled is a finished file of about n bytes, all of them b.
func filled(t *testing.T, s *Store, n int64, b byte) *File {
	t.Helper()
	f, err := s.NewFile(arrow.NewSchema(nil, nil), n)
	require.NoError(t, err)
	r, err := f.claim(context.Background(), n)
	require.NoError(t, err)
	copy(r.mem, bytes.Repeat([]byte{b}, int(n)))
	require.NoError(t, f.Finish(context.Background()))
	return f
}

func inode(t *testing.T, f *os.File) uint64 {
	t.Helper()
	var st unix.Stat_t
	require.NoError(t, unix.Fstat(int(f.Fd()), &st))
	return st.Ino
}

// What another process has mapped or open is not written to; when it has let go it is used again.
func TestReuseWaitsForOthers(t *testing.T) {
	for _, how := range []string{"open", "map for reading", "map for writing"} {
		t.Run(how, func(t *testing.T) {
			s := openStore(t, 64*huge)
			f := filled(t, s, 2*huge, 1)
			first := inode(t, f.file)
			other := exec.Command(os.Args[0], f.Path())
			other.Env = append(os.Environ(), holdEnv+"="+how)
			in, err := other.StdinPipe()
			require.NoError(t, err)
			out, err := other.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, other.Start())
			_, err = out.Read(make([]byte, 1))
			require.NoError(t, err)
			path := f.Path()
			require.NoError(t, f.Close())
			require.NoFileExists(t, path)

			second := filled(t, s, 2*huge, 2)
			require.NotEqual(t, first, inode(t, second.file))
			require.NoError(t, in.Close())
			require.NoError(t, other.Wait())
			third := filled(t, s, 2*huge, 3)
			require.Equal(t, s.recycles, first == inode(t, third.file))
			require.NotEqual(t, path, third.Path())
			require.NoError(t, second.Close())
			require.NoError(t, third.Close())
		})
	}
}

// A mapping of a file whose lease has ended keeps what it showed, however many files follow.
func TestMappingsStayAsTheyAre(t *testing.T) {
	s := openStore(t, 64*huge)
	for i := range byte(20) {
		f := filled(t, s, huge+int64(i)*page, i+1)
		file, err := os.Open(f.Path())
		require.NoError(t, err)
		mem, err := unix.Mmap(int(file.Fd()), 0, int(f.Size()), unix.PROT_READ, unix.MAP_SHARED)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		want := bytes.Clone(mem)
		require.NoError(t, f.Close())
		next := filled(t, s, huge, 0xFF)
		require.Equal(t, want, mem)
		require.NoError(t, next.Close())
		require.NoError(t, unix.Munmap(mem))
	}
}

func TestIdleFilesAreGivenUp(t *testing.T) { synctest.Test(t, idleFilesAreGivenUp) }

func idleFilesAreGivenUp(t *testing.T) {
	s := openStore(t, 16*huge)
	files := func() []string {
		all, err := filepath.Glob(filepath.Join(s.dir.path, ".idle-*"))
		require.NoError(t, err)
		return all
	}
	retire := func(n int64) { require.NoError(t, filled(t, s, n, 1).Close()) }
	for range 3 { // one is used again and again
		retire(3 * huge)
	}
	if !s.recycles { // the kernel does not tell who has a file mapped
		require.Empty(t, files())
		require.Zero(t, s.Used())
		return
	}
	require.Len(t, files(), 1)
	retire(7 * huge) // beyond half of what may be staged together with the other
	require.Len(t, files(), 1)
	require.LessOrEqual(t, s.Used(), int64(8*huge))
	require.Positive(t, s.Used())
	retire(12 * huge) // needs the memory
	require.Empty(t, files())
	require.Zero(t, s.Used())
	retire(page) // not worth it
	require.Empty(t, files())
	retire(3 * huge)
	require.NoError(t, s.reclaim())
	require.Empty(t, files())
	retire(3 * huge)
	time.Sleep(idleTime - time.Millisecond)
	require.Len(t, files(), 1)
	time.Sleep(time.Second)
	require.Zero(t, s.Used())
	require.Empty(t, files())
}

// ringOf is a ring whose slots of so many bytes were filled, to be closed.
func ringOf(t *testing.T, s *Store, slots int, each int64, b byte) *Ring {
	t.Helper()
	r, err := s.NewRing(arrow.NewSchema(nil, nil), slots, int64(slots)*each)
	require.NoError(t, err)
	size := each - huge/8
	for range slots {
		mem, err := r.Place(context.Background(), []int64{size}, true)
		require.NoError(t, err)
		for _, m := range mem {
			copy(m.Get(int(size)), bytes.Repeat([]byte{b}, int(size)))
		}
	}
	return r
}

// TestRingsAreUsedAgain: the memory of a ring serves the next one, or a file, unless there are holes in it.
func TestRingsAreUsedAgain(t *testing.T) {
	s := openStore(t, 64*huge)
	first := ringOf(t, s, 3, 2*huge, 1)
	name, of, used := first.Path(), inode(t, first.file), s.Used()
	require.EqualValues(t, 6*huge, used)
	require.NoError(t, first.Close())
	require.NoFileExists(t, name)

	larger := ringOf(t, s, 4, 2*huge, 2)
	require.Equal(t, s.recycles, of == inode(t, larger.file))
	require.EqualValues(t, 8*huge, s.Used())
	require.EqualValues(t, 8*huge, larger.end)
	for i, slot := range larger.slots { // beside one another, none where another is
		require.EqualValues(t, int64(i)*2*huge, slot.at)
	}
	require.NoError(t, larger.Close())

	f := filled(t, s, 7*huge, 3)
	require.Equal(t, s.recycles, of == inode(t, f.file))
	require.NoError(t, f.Close())

	holed := ringOf(t, s, 3, 2*huge, 4)
	require.NoError(t, holed.drop(holed.slots[0].region))
	require.Less(t, holed.taken, holed.end)
	require.NoError(t, s.reclaim())
	require.NoError(t, holed.Close())
	require.Zero(t, s.Used())
}
