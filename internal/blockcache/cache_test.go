package blockcache_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/blockcache"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
)

// fillsFor is the directory whose cache this program, started by TestKilled, fills until it is killed.
const fillsFor = "MTFLIGHT_TEST_FILLS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fillsFor); dir != "" {
		fill(dir)
	}
	goleak.VerifyTestMain(m)
}

func fill(dir string) {
	c, err := blockcache.Open(disks.New(disks.Config{}), dir, blockcache.Least)
	if err != nil {
		panic(err)
	}
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for told := false; ; told = true {
		n := r.Uint64N(300)
		c.Put(context.Background(), key(n), block(n, 1+r.IntN(4)))
		if !told {
			os.Stdout.WriteString("begun\n")
		}
	}
}

func key(n uint64) blockcache.Key { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, n)) }

// length is that of a block in these tests: most are small.
func length(n uint64) int {
	if n%16 == 0 {
		return blockcache.BlockSize
	}
	return 20_000 + int(n)%3
}

// block is the bytes of one of four versions of a block, which tell it from all others.
func block(n uint64, version int) []byte {
	b := make([]byte, length(n))
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], (4*n+uint64(version))<<32+uint64(i))
	}
	return b
}

func open(t *testing.T, dir string, bytes int64) *blockcache.Cache {
	t.Helper()
	m := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Minute), Pool: bufpool.NewPool(64 << 20)}
	c, err := blockcache.Open(disks.New(disks.Config{Memory: m}), dir, bytes)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		require.Zero(t, m.Budget.Used())
	})
	return c
}

// has tells which version of a block is there; 0: none. Other bytes end the test.
func has(t *testing.T, c *blockcache.Cache, n uint64) int {
	t.Helper()
	p := make([]byte, length(n))
	if !c.Get(t.Context(), key(n), p) {
		return 0
	}
	for v := 1; v <= 4; v++ {
		if bytes.Equal(p, block(n, v)) {
			return v
		}
	}
	require.FailNow(t, "bytes of no version of the block")
	return 0
}

// TestKeeps: blocks are there until others need their place; what was used lately stays, and the file does not grow.
func TestKeeps(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, blockcache.Least)
	require.Zero(t, has(t, c, 1))
	c.Put(t.Context(), key(1), block(1, 1))
	require.Equal(t, 1, has(t, c, 1))
	require.False(t, c.Get(t.Context(), key(1), make([]byte, 10)), "another length")
	c.Put(t.Context(), key(1), block(1, 2))
	require.Equal(t, 2, has(t, c, 1), "the last one")
	for n := range uint64(600) {
		c.Put(t.Context(), key(n), block(n, 1))
		require.Equal(t, 1, has(t, c, n))
	}
	kept := 0
	for n := range uint64(600) {
		if has(t, c, n) != 0 {
			kept++
		}
	}
	require.Greater(t, kept, 200, "of 240 places")
	info, err := os.Stat(filepath.Join(dir, "blocks"))
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(blockcache.Least))
	require.Equal(t, os.FileMode(0o600), info.Mode())
	var none *blockcache.Cache
	none.Put(t.Context(), key(1), block(1, 1))
	require.False(t, none.Get(t.Context(), key(1), block(1, 1)))
	require.NoError(t, none.Close())
}

// TestShared: two programs see each other's blocks, and the first one's size holds until nobody uses it.
func TestShared(t *testing.T) {
	dir := t.TempDir()
	one, err := blockcache.Open(disks.New(disks.Config{}), dir, blockcache.Least)
	require.NoError(t, err)
	two, err := blockcache.Open(disks.New(disks.Config{}), dir, 2*blockcache.Least)
	require.NoError(t, err)
	two.Put(t.Context(), key(1), block(1, 1))
	require.Equal(t, 1, has(t, one, 1))
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "blocks"))
		require.NoError(t, err)
		return info.Size()
	}
	require.LessOrEqual(t, size(), int64(blockcache.Least))
	require.NoError(t, one.Close())
	require.NoError(t, two.Close())
	require.Equal(t, 1, has(t, open(t, dir, blockcache.Least), 1), "it outlives the programs")
	other := t.TempDir()
	small, err := blockcache.Open(disks.New(disks.Config{}), other, blockcache.Least)
	require.NoError(t, err)
	require.NoError(t, small.Close())
	larger := open(t, other, 2*blockcache.Least)
	larger.Put(t.Context(), key(1), block(1, 1))
	require.Equal(t, 1, has(t, larger, 1))
}

// TestSideBySide: whoever writes what at once, what is there is whole.
func TestSideBySide(t *testing.T) {
	dir := t.TempDir()
	all := []*blockcache.Cache{open(t, dir, blockcache.Least), open(t, dir, blockcache.Least)}
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for range 150 {
				n, c := r.Uint64N(12), all[i%2]
				if r.IntN(2) == 0 {
					c.Put(t.Context(), key(n), block(n, 1+r.IntN(4)))
				} else {
					has(t, c, n)
				}
			}
		})
	}
	wait.Wait()
	found, missed, kept := all[0].Counts()
	require.Positive(t, found)
	require.Positive(t, missed)
	require.Positive(t, kept)
}

// TestDamaged: whatever is in the file, a block is right or not there.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "blocks")
	r := rand.New(rand.NewPCG(1, 2))
	for _, where := range []int64{4096 + 240*64, 64 << 20, 16} { // in the table, anywhere, in the head
		for range 5 {
			c, err := blockcache.Open(disks.New(disks.Config{}), dir, blockcache.Least)
			require.NoError(t, err)
			for n := range uint64(20) {
				c.Put(t.Context(), key(n), block(n, 1))
			}
			f, err := os.OpenFile(name, os.O_RDWR, 0)
			require.NoError(t, err)
			for range 40 {
				_, err = f.WriteAt([]byte{byte(r.Uint32())}, r.Int64N(where))
				require.NoError(t, err)
			}
			if r.IntN(4) == 0 {
				require.NoError(t, f.Truncate(r.Int64N(where)))
			}
			require.NoError(t, f.Close())
			for n := range uint64(20) {
				has(t, c, n)
			}
			require.NoError(t, c.Close())
		}
	}
}

// TestKilled: programs that are killed while they write leave nothing that is taken for a block.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	c, found := open(t, dir, blockcache.Least), 0
	for range 5 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), fillsFor+"="+dir)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		_, err = bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		for n := range uint64(100) {
			has(t, c, n)
		}
		require.NoError(t, child.Process.Kill())
		_, _ = io.Copy(io.Discard, out)
		_ = child.Wait() // killed
		for n := range uint64(300) {
			if has(t, c, n) != 0 {
				found++
			}
		}
		c.Put(t.Context(), key(1), block(1, 3))
		require.Equal(t, 3, has(t, c, 1), "no lock is left")
	}
	require.Positive(t, found)
}

// TestHungDisk: a disk that does not answer is left alone, and the network asked.
func TestHungDisk(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "blocks") // on a disk, which memory is none of
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	d := disks.New(disks.Config{Limit: time.Minute})
	c, err := blockcache.Open(d, dir, blockcache.Least)
	require.NoError(t, err)
	c.Put(t.Context(), key(1), block(1, 1))
	answer := make(chan struct{})
	hang := func(*os.File) { <-answer }
	disks.Hang.Store(&hang)
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer stop()
	require.False(t, c.Get(ctx, key(1), block(1, 1)))
	require.Zero(t, has(t, c, 1), "it rests")
	close(answer)
	disks.Hang.Store(nil)
	require.NoError(t, c.Close())
	d.End()
}

func TestRefused(t *testing.T) {
	on, dir := disks.New(disks.Config{}), t.TempDir()
	_, err := blockcache.Open(on, dir, 1<<20)
	require.ErrorIs(t, err, fault.Invalid)
	_, err = blockcache.Open(on, filepath.Join(dir, "none", "below"), blockcache.Least)
	require.ErrorIs(t, err, fault.Precondition)
	require.NoError(t, os.Symlink("/dev/null", filepath.Join(dir, "blocks")))
	_, err = blockcache.Open(on, dir, blockcache.Least)
	require.ErrorIs(t, err, fault.Precondition)
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err = blockcache.Open(on, dir, blockcache.Least)
	require.ErrorIs(t, err, fault.Denied)
}
