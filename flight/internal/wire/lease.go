package wire

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// Held is the memory of a batch's body, a record's or a buffer's, by its reference count.
type Held interface {
	Retain()
	Release()
}

// A lease keeps a record alive while gRPC holds slices of it, which is until after SendMsg has returned. It ends once,
// by whichever comes first:
//   - gRPC has freed every slice: the usual end;
//   - the connection has ended: gRPC's writer is gone then, without having freed what it had queued;
//   - nothing refers to the slices any more: gRPC drops, without freeing it, a message that is queued just after its
//     stream was reset.
type lease struct {
	body    Held
	owner   *Ledger
	extents []extent     // of its slices
	tail    *Tail        // one of them; nil: there is none
	slices  atomic.Int32 // not yet freed
	ended   atomic.Bool
	stream  atomic.Uint32 // of which they are sent; 0: of none yet
	taken   atomic.Int64  // bytes of them that were sent
}

// hook is the mem.BufferPool of a lease's slices. It is an object of its own so that the lease, which the ledger
// refers to, does not keep it from being collected.
type hook struct{ lease *lease }

// Get is never called: nothing is allocated from a hook.
func (h *hook) Get(length int) *[]byte { b := make([]byte, length); return &b }

// Put is called when gRPC frees a slice.
func (h *hook) Put(*[]byte) {
	if h.lease.slices.Add(-1) == 0 {
		h.lease.finish()
	}
}

// finish ends a lease when the connection, too, has no more use for it.
func (l *lease) finish() {
	if c := l.owner.conn; c != nil {
		c.finish(l)
		return
	}
	l.end()
}

func (l *lease) end() {
	if l.ended.Swap(true) {
		return
	}
	l.owner.forget(l)
	l.body.Release()
}

// Ledger knows the leases of one connection.
type Ledger struct {
	conn  *gathering // nil: one that keeps nothing
	guest *guest     // of the server's crowd

	mu     sync.Mutex
	last   *lease // the one that owns found
	leases map[*lease]struct{}
	ends   map[string]func() // what else ends with the connection
	ended  bool
}

type ledgerKey struct{}

// LedgerOf is the ledger of the connection that ctx is of.
func LedgerOf(ctx context.Context) *Ledger {
	if l, ok := ctx.Value(ledgerKey{}).(*Ledger); ok {
		return l
	}
	return newLedger()
}

// Unread tells whether the connection hands bytes to the kernel without looking at them. TLS reads them: a file cut off under its
// mapping would end the process.
func (l *Ledger) Unread() bool { return l.conn != nil && l.conn.cork == nil }

// Received is how many bytes the connection has read.
func (l *Ledger) Received() int64 {
	if l.conn == nil {
		return 0
	}
	return l.conn.received.Load()
}

func newLedger() *Ledger { return &Ledger{leases: map[*lease]struct{}{}} }

// retain begins a lease of slices, and of a tail behind them.
func (l *Ledger) retain(body Held, slices [][]byte, t *Tail) *hook {
	body.Retain()
	le := &lease{body: body, owner: l, tail: t}
	if t != nil {
		slices = append(slices, t.bytes)
	}
	for _, b := range slices {
		le.extents = append(le.extents, extentOf(b))
	}
	le.slices.Store(int32(len(slices)))
	l.mu.Lock()
	l.leases[le] = struct{}{}
	l.mu.Unlock()
	h := &hook{le}
	runtime.AddCleanup(h, (*lease).finish, le)
	return h
}

// holder is the lease of a slice in which bytes lie, nil if there is none.
func (l *Ledger) holder(b []byte) *lease {
	if len(b) == 0 {
		return nil
	}
	e := extentOf(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && l.last.holds(e) {
		return l.last
	}
	for le := range l.leases {
		if le.holds(e) {
			l.last = le
			return le
		}
	}
	return nil
}

func (l *lease) holds(e extent) bool {
	for _, x := range l.extents {
		if x.from <= e.from && e.to <= x.to {
			return true
		}
	}
	return false
}

func (l *Ledger) forget(le *lease) {
	l.mu.Lock()
	delete(l.leases, le)
	if l.last == le {
		l.last = nil
	}
	l.mu.Unlock()
}

// AtEnd calls f when the connection ends, at once if it has; the name is f's own.
func (l *Ledger) AtEnd(name string, f func()) {
	if l.note(name, f) {
		return
	}
	f()
}

// note is false where the connection has ended.
func (l *Ledger) note(name string, f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	if l.ends == nil {
		l.ends = map[string]func(){}
	}
	l.ends[name] = f
	return true
}

// NotAtEnd removes what AtEnd added.
func (l *Ledger) NotAtEnd(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, name)
}

func (l *Ledger) endAll() {
	if l.conn != nil {
		l.conn.drop()
	}
	l.mu.Lock()
	ends := l.ends
	l.ends, l.ended = nil, true
	all := make([]*lease, 0, len(l.leases))
	for le := range l.leases {
		all = append(all, le)
	}
	l.mu.Unlock()
	for _, le := range all {
		le.end()
	}
	for _, f := range ends {
		f()
	}
}

// Connections gives every connection a ledger and ends its leases with it: gRPC says ConnEnd after its writer has
// stopped.
type Connections struct{}

func (Connections) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	l := newLedger()
	if a, ok := info.LocalAddr.(gatheringAddr); ok {
		l.conn, l.guest = a.conn, a.conn.guest
		a.conn.setLedger(l)
	}
	return context.WithValue(ctx, ledgerKey{}, l)
}

func (Connections) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); ok {
		LedgerOf(ctx).endAll()
	}
}

func (Connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC counts the calls of a connection.
func (Connections) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s.(type) {
	case *stats.Begin:
		LedgerOf(ctx).called(1)
	case *stats.End:
		LedgerOf(ctx).called(-1)
	}
}

// Known is told from whom the connection's calls are.
func (l *Ledger) Known(owner string) {
	if l != nil {
		l.guest.known(owner)
	}
}

func (l *Ledger) called(n int) { l.guest.called(n) }
