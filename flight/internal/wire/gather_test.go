package wire

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
	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"
)

// pair is a gathering connection with what its peer has read once it is closed.
func pair(t *testing.T) (*gathering, *Ledger, func() []byte) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, lis.Close()) }()
	client, err := net.Dial("tcp", lis.Addr().String())
	require.NoError(t, err)
	c, err := Listener{Listener: lis}.Accept()
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
func leased(l *Ledger, mem memory.Allocator, n int) ([]byte, *hook) {
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
	return bytes, l.retain(record, [][]byte{bytes}, nil)
}

// frames writes the frames of several streams, in gRPC's pieces, and notes them joined.
type frames struct {
	t    *testing.T
	to   *gathering
	want [][]byte
	n    int
}

func (f *frames) write(b []byte) {
	n, err := f.to.Write(b)
	require.NoError(f.t, err)
	require.Equal(f.t, len(b), n)
}

func (f *frames) frame(kind http2.FrameType, flags http2.Flags, stream byte, payload []byte) {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), byte(kind), byte(flags), 0, 0, 0, stream}
	f.write(head)
	f.want = joinedFrame(f.want, append(bytes.Clone(head), payload...))
	f.n++
	clear(head) // gRPC uses it again at once
	f.write(payload)
	if kind != http2.FrameData {
		clear(payload)
	}
}

// joinedFrame appends a frame, to the last one where both are data of one stream and nothing else.
func joinedFrame(all [][]byte, f []byte) [][]byte {
	if n := len(all); n > 0 && string(all[n-1][3:frameHead]) == string(f[3:frameHead]) && f[3] == 0 && f[4] == 0 {
		all[n-1] = append(all[n-1], f[frameHead:]...)
		return all
	}
	return append(all, f)
}

// cutFrames are the frames of a connection, joined, and how many there were.
func cutFrames(t *testing.T, b []byte, most int) (all [][]byte, n int) {
	for ; len(b) > 0; n++ {
		require.GreaterOrEqual(t, len(b), frameHead)
		length := frameLength(b)
		require.LessOrEqual(t, length, most)
		require.GreaterOrEqual(t, len(b), frameHead+length)
		all = joinedFrame(all, bytes.Clone(b[:frameHead+length]))
		b = b[frameHead+length:]
	}
	return all, n
}

func TestGatheringKeepsOrderAndBytes(t *testing.T) {
	for i, most := range []uint32{leastMaxFrame, 1<<24 - 1, 70_000, 1<<24 - 1} {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		g, l, end := pair(t)
		g.peer.max.Store(most)
		late := i < 2
		if !late { // else a slow machine decides what waits together
			g.timer = time.AfterFunc(time.Hour, func() {})
		}
		f := &frames{t: t, to: g}
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range 400 {
			data, h := leased(l, mem, 1+rng.IntN(60_000))
			stream := byte(1 + rng.IntN(20)/19)
			for len(data) > 0 {
				n := min(len(data), leastMaxFrame)
				f.frame(http2.FrameData, http2.Flags(rng.IntN(50)/49), stream, data[:n])
				data = data[n:]
				if rng.IntN(6) == 0 {
					f.frame(http2.FramePing, 0, 0, bytes.Repeat([]byte{byte(i)}, 1+rng.IntN(40)))
				}
			}
			h.Put(nil)
			if late && rng.IntN(50) == 0 {
				time.Sleep(2 * gatherWait)
			}
		}
		f.frame(http2.FramePing, 0, 0, []byte("the end")) // lets go of what waits
		got, n := cutFrames(t, end(), int(most))
		for i := range got {
			copy(got[i][:3], "len") // of joined frames
			copy(f.want[i][:3], "len")
		}
		require.Equal(t, len(f.want), len(got))
		require.Equal(t, bytes.Join(f.want, nil), bytes.Join(got, nil))
		if !late {
			require.Less(t, n, f.n/2, "frames for %d", most)
		}
		mem.AssertSize(t, 0)
	}
}

// TestPeerFrames reads a client's frames in pieces of all sizes.
func TestPeerFrames(t *testing.T) {
	var sent bytes.Buffer
	sent.WriteString(http2.ClientPreface)
	w := http2.NewFramer(&sent, nil)
	settings := func(v uint32) {
		require.NoError(t, w.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: v}))
	}
	settings(1 << 22)
	require.NoError(t, w.WriteSettingsAck())
	require.NoError(t, w.WriteData(1, false, bytes.Repeat([]byte{4}, 5000)))
	require.NoError(t, w.WriteSettings())
	require.NoError(t, w.WritePing(false, [8]byte{0, 5, 0, 0, 0, 1}))
	settings(100)     // not allowed
	settings(1 << 24) // not allowed
	at := sent.Len()
	settings(20_000)
	for step := 1; step < 9000; step = step*3/2 + 1 {
		p := newPeerFrames()
		require.EqualValues(t, leastMaxFrame, p.max.Load())
		for b := sent.Bytes()[:at]; len(b) > 0; b = b[min(step, len(b)):] {
			p.follow(b[:min(step, len(b))])
		}
		require.EqualValues(t, 1<<22, p.max.Load())
		p.follow(sent.Bytes()[at:])
		require.EqualValues(t, 20_000, p.max.Load())
	}
}

func TestGatheringHoldsLeasesUntilWritten(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	g, l, end := pair(t)
	g.timer = time.AfterFunc(time.Hour, func() {})
	data, h := leased(l, mem, 5000)
	_, err := g.Write(data)
	require.NoError(t, err)
	h.Put(nil)
	require.NotZero(t, mem.CurrentAlloc())
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
	require.Eventually(t, func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.wait) == 0 }, time.Minute, time.Millisecond)
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

// TestWhatEndsWithAConnectionThatHasEnded ends at once, before the call returns.
func TestWhatEndsWithAConnectionThatHasEnded(t *testing.T) {
	l := newLedger()
	var ended []string
	l.AtEnd("before", func() { ended = append(ended, "before") })
	l.endAll()
	l.AtEnd("behind", func() { ended = append(ended, "behind") })
	require.Equal(t, []string{"before", "behind"}, ended)
}
