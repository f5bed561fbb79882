package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A stream whose client grants it no credit cannot be ended by its handler: gRPC sends a status behind what waits for credit, and holds all of
// that until then. So a connection ends it by itself: the client gets the status at once, and gRPC reads that the client has reset the stream, for
// which it drops what waits.

// Way is how far a message is that has leased bytes.
type Way struct{ lease *lease }

// Way is that of what Slices has made; nil: there are no leased bytes.
func (p *Body) Way() *Way {
	if p.lease == nil {
		return nil
	}
	return &Way{p.lease}
}

// Taken is how many of its leased bytes have been given to the kernel.
func (w *Way) Taken() int64 { return w.lease.taken.Load() }

// Over tells whether gRPC has no more use for it.
func (w *Way) Over() bool { return w.lease.slices.Load() == 0 || w.lease.ended.Load() }

// Stop ends the message's stream with a status. It is false where that is not possible: nothing of the message has been sent.
func (w *Way) Stop(st *status.Status) bool {
	stream, c := w.lease.stream.Load(), w.lease.owner.conn
	if stream == 0 || c == nil {
		return false
	}
	c.stops.add(stop{stream, trailers(stream, st)})
	if c.mu.TryLock() { // else whoever writes does it, before the next frame
		defer c.mu.Unlock()
		if c.left == 0 {
			_ = c.stopAll()
		}
	}
	return true
}

// Close ends the message's connection, for which its client takes nothing at all.
func (w *Way) Close() {
	if c := w.lease.owner.conn; c != nil {
		_ = c.Conn.Close()
	}
}

type stop struct {
	stream   uint32
	trailers []byte
}

// stops are the streams of a connection that are to be ended, and what gRPC is to read of those that were.
type stops struct {
	mu     sync.Mutex
	next   []stop
	over   map[uint32]bool // nothing more is sent of them
	resets []byte          // frames that have not been read
	woken  atomic.Bool     // who reads, to read them
}

func (s *stops) add(one stop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over[one.stream] {
		s.next = append(s.next, one)
	}
}

// take gives those that are to be ended now.
func (s *stops) take() []stop {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.next
	s.next = nil
	for _, one := range all {
		if s.over == nil {
			s.over = map[uint32]bool{}
		}
		s.over[one.stream] = true
	}
	return all
}

func (s *stops) isOver(stream uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over[stream]
}

// reset has gRPC read that the client has given up a stream.
func (s *stops) reset(stream uint32) {
	var b bytes.Buffer
	_ = http2.NewFramer(&b, nil).WriteRSTStream(stream, http2.ErrCodeCancel) // into memory
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resets = append(s.resets, b.Bytes()...)
}

// read gives what gRPC is to read.
func (s *stops) read(b []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := copy(b, s.resets)
	s.resets = s.resets[n:]
	return n
}

const stopTime = 100 * time.Millisecond // for a few bytes

// stopAll ends streams, between two frames. Called locked.
func (g *gathering) stopAll() error {
	for _, one := range g.stops.take() {
		if err := g.flush(); err != nil {
			return err
		}
		_ = g.Conn.SetWriteDeadline(time.Now().Add(stopTime))
		if _, g.err = g.Conn.Write(one.trailers); g.err != nil {
			_ = g.Conn.Close()
			return g.err
		}
		_ = g.Conn.SetWriteDeadline(time.Time{})
		g.stops.reset(one.stream)
		g.stops.woken.Store(true)
		_ = g.Conn.SetReadDeadline(time.Now())
	}
	return nil
}

// Read is net.Conn's: what the client sends, and between two of its frames what is said in its name.
func (g *gathering) Read(b []byte) (int, error) {
	for {
		if g.peer.between() {
			if n := g.stops.read(b); n > 0 {
				return n, nil
			}
		}
		n, err := g.Conn.Read(b)
		g.received.Add(int64(max(n, 0)))
		g.peer.follow(b[:max(n, 0)])
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !g.stops.woken.Swap(false) {
			return n, err
		}
		if err := g.Conn.SetReadDeadline(time.Time{}); err != nil {
			return 0, err
		}
	}
}

// follow looks at a piece that gRPC writes: where frames begin, and of which stream they are. skip: it is of one that is over. Called locked.
func (g *gathering) follow(b []byte) (skip bool, err error) {
	if g.left > 0 {
		g.left -= len(b)
		return g.skip, nil
	}
	if err := g.stopAll(); err != nil {
		return false, err
	}
	g.skip = false
	if len(b) == frameHead && http2.FrameType(b[3]) == http2.FrameData {
		g.left, g.stream = frameLength(b), streamOf(b)
		g.skip = g.stops.isOver(g.stream)
	}
	return g.skip, nil
}

// streamOf is a frame's, from its header.
func streamOf(head []byte) uint32 {
	return uint32(head[5])<<24 | uint32(head[6])<<16 | uint32(head[7])<<8 | uint32(head[8])
}

// trailers is the frame that ends a stream with a status. It leaves the table of header fields alone that gRPC keeps with the client.
func trailers(stream uint32, st *status.Status) []byte {
	fields := []hpack.HeaderField{{Name: "grpc-status", Value: strconv.Itoa(int(st.Code()))}, {Name: "grpc-message", Value: percent(st.Message())}}
	if details, err := proto.Marshal(st.Proto()); err == nil && len(st.Details()) > 0 {
		fields = append(fields, hpack.HeaderField{Name: "grpc-status-details-bin", Value: base64.RawStdEncoding.EncodeToString(details)})
	}
	var block, frame bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, f := range fields {
		f.Sensitive = true  // as a literal that is never indexed
		_ = e.WriteField(f) // into memory
	}
	_ = http2.NewFramer(&frame, nil).WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	return frame.Bytes()
}

// percent encodes a message as gRPC's protocol over HTTP/2 says.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
