package flight

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pair is a gathering connection with what its peer has read once it is closed.
func pair(t *testing.T) (*gathering, *ledger, func() []byte) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, lis.Close()) }()
	client, err := net.Dial("tcp", lis.Addr().String())
	require.NoError(t, err)
	c, err := gatherer{lis}.Accept()
	require.NoError(t, err)
	g := c.(*gathering)
	l := newLedger()
	l.conn = g
	g.setLedger(l)
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(client)
		got <- b
	}()
	return g, l, func() []byte {
		require.NoError(t, g.Close())
		b := <-got
		require.NoError(t, client.Close())
		l.endAll()
		return b
	}
}

// leased is a record of n bytes, held by a lease alone.
func leased(l *ledger, mem memory.Allocator, n int) ([]byte, *hook) {
	b := array.NewUint8Builder(mem)
	defer b.Release()
	for i := range n {
		b.Append(byte(i*7 + n))
	}
	a := b.NewUint8Array()
	defer a.Release()
	record := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: a.DataType()}}, nil), []arrow.Array{a}, int64(n))
	defer record.Release()
	bytes := a.Uint8Values()
	return bytes, l.retain(record, [][]byte{bytes})
}

func head(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n), 0, 0, 0, 0, 0, 1} }

func TestGatheringKeepsOrderAndBytes(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	g, l, end := pair(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var want bytes.Buffer
	write := func(b []byte) {
		n, err := g.Write(b)
		require.NoError(t, err)
		require.Equal(t, len(b), n)
		want.Write(b)
	}
	for i := range 400 {
		data, h := leased(l, mem, 1+rng.IntN(60_000))
		for len(data) > 0 {
			n := min(len(data), 16384)
			write(head(n))
			write(data[:n])
			data = data[n:]
			if rng.IntN(3) == 0 {
				own := bytes.Repeat([]byte{byte(i)}, rng.IntN(40)) // gRPC uses it again at once
				write(own)
				clear(own)
			}
		}
		h.Put(nil)
		if rng.IntN(50) == 0 {
			time.Sleep(2 * gatherWait)
		}
	}
	write([]byte("end"))
	require.Equal(t, want.Bytes(), end())
}

func TestGatheringHoldsLeasesUntilWritten(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	g, l, end := pair(t)
	g.timer.Stop()
	data, h := leased(l, mem, 5000)
	_, err := g.Write(data)
	require.NoError(t, err)
	g.mu.Lock()
	g.timer.Stop()
	g.mu.Unlock()
	h.Put(nil)
	if len(g.wait) > 0 { // the timer may have been faster
		require.NotZero(t, mem.CurrentAlloc())
	}
	_, err = g.Write([]byte("x"))
	require.NoError(t, err)
	require.Zero(t, mem.CurrentAlloc())
	require.Len(t, end(), 5001)
}

func TestGatheringWritesWhatWaitsByItself(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	g, l, end := pair(t)
	data, h := leased(l, mem, 5000)
	_, err := g.Write(data)
	require.NoError(t, err)
	h.Put(nil)
	require.Eventually(t, func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.wait) == 0 }, time.Second, time.Millisecond)
	require.Len(t, end(), 5000)
}

func TestGatheringOnABrokenConnection(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	g, l, end := pair(t)
	data, h := leased(l, mem, 5000)
	require.NoError(t, g.Close())
	_, err := g.Write(data)
	require.NoError(t, err, "it waits")
	h.Put(nil)
	_, err = g.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = g.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	g.Conn = closedAlready{g.Conn}
	end()
}

type closedAlready struct{ net.Conn }

func (closedAlready) Close() error { return nil }

func TestGatheringEndsWithAFileCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	mapped, err := unix.Mmap(int(f.Fd()), 0, 1<<20, unix.PROT_READ, unix.MAP_SHARED)
	require.NoError(t, err)
	defer func() { require.NoError(t, unix.Munmap(mapped)) }()
	require.NoError(t, f.Close())
	g, _, _ := pair(t)
	require.NoError(t, os.Truncate(path, 0))
	_, err = g.Write(mapped)
	require.ErrorIs(t, err, unix.EFAULT)
	_, err = g.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed, "gRPC's reader has to end too")
}
