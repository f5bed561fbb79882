package wire

import (
	"bytes"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/mtflight/mtflight/internal/certtest"
)

// secretPair is as pair, with TLS in between.
func secretPair(t *testing.T) (*gathering, *Ledger, func() []byte) {
	authority := certtest.New(t)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, lis.Close()) }()
	got := make(chan []byte, 1)
	go func() {
		client, err := tls.Dial("tcp", lis.Addr().String(), &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"})
		if err != nil {
			t.Error(err)
			return
		}
		b, _ := io.ReadAll(client)
		got <- b
		_ = client.Close()
	}()
	raw, err := Listener{Listener: lis, TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(nil, "localhost").TLS()}}}.Accept()
	require.NoError(t, err)
	c, info, err := Handshaker{}.ServerHandshake(raw)
	require.NoError(t, err)
	require.Equal(t, "tls", info.AuthType())
	g := c.(*gathering)
	l := newLedger()
	l.conn = g
	g.setLedger(l)
	return g, l, func() []byte {
		require.NoError(t, g.Close())
		l.endAll()
		return <-got
	}
}

// TestTLSKeepsOrderAndBytes: what is written to TLS is what comes out, and no byte of a record is needed once it was written.
func TestTLSKeepsOrderAndBytes(t *testing.T) {
	for _, most := range []uint32{leastMaxFrame, 1<<24 - 1} {
		mem := memory.NewCheckedAllocator(poison{memory.NewGoAllocator()})
		g, l, end := secretPair(t)
		require.False(t, l.Unread(), "TLS reads the bytes: they must not be mapped")
		g.peer.max.Store(most)
		f := &frames{t: t, to: g}
		rng := rand.New(rand.NewPCG(3, 4))
		for i := range 300 {
			data, h := leased(l, mem, 1+rng.IntN(200_000))
			stream := byte(1 + rng.IntN(2))
			for rest := data; len(rest) > 0; {
				n := min(len(rest), leastMaxFrame)
				f.frame(http2.FrameData, 0, stream, rest[:n])
				rest = rest[n:]
				if rng.IntN(6) == 0 {
					f.frame(http2.FramePing, 0, 0, bytes.Repeat([]byte{byte(i)}, 1+rng.IntN(40)))
				}
			}
			h.Put(nil)
			if rng.IntN(50) == 0 {
				time.Sleep(2 * gatherWait)
			}
		}
		f.frame(http2.FramePing, 0, 0, []byte("the end"))
		mem.AssertSize(t, 0)
		got, _ := cutFrames(t, end(), int(most))
		for i := range got {
			copy(got[i][:3], "len")
			copy(f.want[i][:3], "len")
		}
		require.Equal(t, bytes.Join(f.want, nil), bytes.Join(got, nil))
	}
}

// poison overwrites what is freed.
type poison struct{ memory.Allocator }

func (p poison) Free(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
	p.Allocator.Free(b)
}

// TestHandshakeThatFails is told of once, and the connection ends.
func TestHandshakeThatFails(t *testing.T) {
	client, server := net.Pipe()
	told := 0
	go func() { _, _ = client.Write([]byte(http2.ClientPreface)); _, _ = io.Copy(io.Discard, client) }()
	_, _, err := Handshaker{Failed: func(net.Addr, error) { told++ }}.ServerHandshake(secret{visitor{Conn: server}, &tls.Config{Certificates: []tls.Certificate{certtest.New(t).Issue(nil).TLS()}}})
	require.Error(t, err)
	require.Equal(t, 1, told)
	_, err = server.Write([]byte("x"))
	require.Error(t, err)
	require.NoError(t, client.Close())
}
