package wire

import (
	"cmp"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/http2"
)

// gRPC copies every frame into a write buffer before it writes. With that buffer turned off each piece of a frame comes
// to the connection by itself; a gathering connection puts pieces together again without a copy: those that lie in
// records, which their leases keep until they have been written, wait for one another and leave by one writev.
//
// gRPC cuts messages into frames of 16 KiB, whatever the client takes. Those that wait together become one again, as long
// as the client's settings allow: less for both to look at.
//
// gRPC does not say when it has no more to write for now. So what waits leaves with the next piece that can't wait
// (gRPC may use its memory again after Write), when there is enough of it, or after gatherWait.
const (
	gatherBytes = 1 << 20
	gatherWait  = 200 * time.Microsecond
	frameHead   = 9 // bytes of a frame's header: RFC 9113, section 4.1
)

// gathering is a net.Conn whose Write may keep records' memory until it leaves.
type gathering struct {
	net.Conn
	peer  *peerFrames
	guest *guest  // of the server's crowd
	cork  *corked // below Conn where that is TLS; nil: the kernel gets what is written

	received atomic.Int64 // bytes

	mu     sync.Mutex
	ledger *Ledger // of the connection; nil: nothing is leased yet
	heads  []byte  // copies of frame headers that wait
	lacks  int     // bytes that the last of them is to be followed by
	wait   net.Buffers
	size   int
	timer  *time.Timer
	ended  []*lease // freed by gRPC while their pieces wait
	err    error    // of a write by the timer
	left   int      // bytes of the frame of data that gRPC writes
	stream uint32   // which is of this one
	skip   bool     // which is over

	stops stops
}

func newGathering(c net.Conn) *gathering {
	g := &gathering{Conn: c, peer: newPeerFrames(), heads: make([]byte, 0, 4<<10)}
	g.timer = time.AfterFunc(time.Hour, g.late)
	g.timer.Stop()
	return g
}

// LocalAddr leads from gRPC's description of a connection back to it.
func (g *gathering) LocalAddr() net.Addr { return gatheringAddr{g.Conn.LocalAddr(), g} }

// Close is net.Conn's.
func (g *gathering) Close() error {
	g.guest.leave()
	return g.Conn.Close()
}

type gatheringAddr struct {
	net.Addr
	conn *gathering
}

// setLedger says whose leases the pieces are of.
func (g *gathering) setLedger(l *Ledger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ledger = l
}

// Write takes a piece of a frame.
func (g *gathering) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return 0, g.err
	}
	if skip, err := g.follow(b); skip || err != nil {
		return len(b), err
	}
	var of *lease
	if g.ledger != nil {
		of = g.ledger.holder(b)
	}
	switch {
	case len(b) == frameHead && http2.FrameType(b[3]) == http2.FrameData && len(g.heads)+frameHead <= cap(g.heads) && frameLength(b) > 0:
		g.begin(b)
	case of != nil:
		if err := g.decide(of, b); err != nil {
			return 0, err
		}
		of.stream.Store(g.stream)
		of.taken.Add(int64(len(b)))
		g.add(b)
		g.lacks -= len(b)
		if g.size < gatherBytes {
			return len(b), nil
		}
		return len(b), g.flush()
	default:
		g.add(b)
		return len(b), g.flush()
	}
	return len(b), nil
}

// decide writes what is before a tail, and has it say whether that is right. Called locked.
func (g *gathering) decide(of *lease, b []byte) error {
	if of.tail == nil || !of.tail.holds(extentOf(b)) {
		return nil
	}
	err := g.flush()
	of.tail.decide()
	return err
}

// begin takes the header of a frame: that of the waiting one gets longer, or there is a new one. Called locked.
func (g *gathering) begin(b []byte) {
	at, n := len(g.heads), frameLength(b)
	if at > 0 && g.lacks == 0 {
		last := g.heads[at-frameHead:]
		if all := frameLength(last) + n; string(last[3:]) == string(b[3:]) && b[4] == 0 && all <= int(g.peer.max.Load()) {
			last[0], last[1], last[2] = byte(all>>16), byte(all>>8), byte(all)
			g.lacks = n
			return
		}
	}
	g.heads = append(g.heads, b...)
	g.add(g.heads[at:])
	g.lacks = n
}

func (g *gathering) add(b []byte) {
	if len(g.wait) == 0 {
		g.timer.Reset(gatherWait)
	}
	g.wait = append(g.wait, b)
	g.size += len(b)
}

// flush writes what waits and ends the leases of which it was the last. Called locked.
func (g *gathering) flush() error {
	all := g.wait
	if g.err == nil {
		if g.err = g.send(all); g.err != nil {
			_ = g.Conn.Close() // gRPC waits for its reader to fail too, which EFAULT (a file cut off under its mapping) doesn't do
		}
	}
	g.forget()
	return g.err
}

// send gives pieces to the kernel, or to TLS, which has made its own bytes of them when it returns. Called locked.
func (g *gathering) send(all net.Buffers) error {
	if g.cork == nil {
		_, err := all.WriteTo(g.Conn)
		return err
	}
	g.cork.hold()
	_, err := all.WriteTo(g.Conn)
	return cmp.Or(err, g.cork.release())
}

func (g *gathering) forget() {
	clear(g.wait)
	g.wait, g.heads, g.size = g.wait[:0], g.heads[:0], 0
	for _, l := range g.ended {
		l.end()
	}
	clear(g.ended)
	g.ended = g.ended[:0]
}

// late writes what has waited long enough.
func (g *gathering) late() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.wait) > 0 {
		_ = g.flush() // the next Write tells
	}
}

// finish ends a lease, once its pieces have been written.
func (g *gathering) finish(l *lease) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.wait) == 0 {
		l.end()
		return
	}
	g.ended = append(g.ended, l)
}

// drop gives up what waits: the connection has ended.
func (g *gathering) drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timer.Stop()
	if g.err == nil {
		g.err = net.ErrClosed
	}
	g.forget()
}

// extent is where a piece of a record lies.
type extent struct{ from, to uintptr }

func extentOf(b []byte) extent {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return extent{from, from + uintptr(len(b))}
}
