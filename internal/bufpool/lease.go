package bufpool

import (
	"context"
	"sync"
)

// Lease is an arrow memory.Allocator over bytes that were reserved beforehand. What is allocated beyond them is
// taken from the budget without waiting, so that it shows there and makes others wait.
type Lease struct {
	mem *Memory

	mu       sync.Mutex
	reserved int64 // taken from the budget
	live     int64 // allocated
	buffers  int
	closed   bool
}

// Lease reserves n bytes, waiting as Budget.Acquire does.
func (m *Memory) Lease(ctx context.Context, n int64) (*Lease, error) {
	if err := m.Budget.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return &Lease{mem: m, reserved: n}, nil
}

// LeaseSmall reserves n bytes as Budget.AcquireSmall does.
func (m *Memory) LeaseSmall(ctx context.Context, n int64) (*Lease, error) {
	if err := m.Budget.AcquireSmall(ctx, n); err != nil {
		return nil, err
	}
	return &Lease{mem: m, reserved: n}, nil
}

// TryLease reserves n bytes if they are free and nobody waits; else nil.
func (m *Memory) TryLease(n int64) *Lease {
	if !m.Budget.TryAcquire(n) {
		return nil
	}
	return &Lease{mem: m, reserved: n}
}

// Split moves n of the lease's unused bytes to a lease of its own.
func (l *Lease) Split(n int64) *Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, l.reserved-l.live)
	l.reserved -= n
	return &Lease{mem: l.mem, reserved: n}
}

// Allocate returns n bytes, 64-byte aligned and not zeroed; nil for none.
func (l *Lease) Allocate(n int) []byte {
	if n == 0 {
		return nil
	}
	b := l.mem.Pool.Get(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.take(int64(cap(b)))
	return b
}

// Reallocate returns n bytes that begin with those of b, which is freed.
func (l *Lease) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) && cap(b) > 0 {
		return b[:n]
	}
	out := l.Allocate(n)
	copy(out, b)
	l.Free(b)
	return out
}

// Free puts a buffer back.
func (l *Lease) Free(b []byte) {
	if cap(b) == 0 {
		return
	}
	l.mem.Pool.Put(b)
	l.give(cap(b))
}

// Borrow counts n bytes that lie elsewhere as allocated; Return takes them back.
func (l *Lease) Borrow(n int) {
	l.mem.move(int64(n))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.take(int64(n))
}

// Return ends a Borrow.
func (l *Lease) Return(n int) {
	l.mem.move(-int64(n))
	l.give(n)
}

// give counts n bytes as freed.
func (l *Lease) give(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live -= int64(n)
	l.buffers--
	l.settle()
}

// take counts n allocated bytes. Called locked.
func (l *Lease) take(n int64) {
	l.live += n
	l.buffers++
	if over := l.live - l.reserved; over > 0 {
		l.mem.Budget.force(over)
		l.reserved += over
	}
}

// Close ends the reservation of bytes that are not allocated; the rest follows with the last Free.
func (l *Lease) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.settle()
}

// settle returns what is no longer needed. Called locked.
func (l *Lease) settle() {
	if l.closed && l.reserved > l.live {
		l.mem.Budget.Return(l.reserved - l.live)
		l.reserved = l.live
	}
}
