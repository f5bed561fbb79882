package bufpool

import (
	"context"
	"sync"
)

// Memory is a pool whose buffers count against a budget, beside bytes that lie elsewhere: mapped files, shared memory.
type Memory struct {
	Budget *Budget
	Pool   *Pool
	// Moved, unless it is nil, is told how many bytes lie elsewhere when that has changed by moveStep or more.
	Moved func(elsewhere int64)

	whole *Memory // that this one is a part of; nil: of none

	mu              sync.Mutex
	elsewhere, told int64
}

const moveStep = 32 << 20

// Reserve takes n bytes of the budget for memory that is not the pool's, which keeps as many fewer, as Budget.Acquire does.
func (m *Memory) Reserve(ctx context.Context, n int64) error {
	err := m.Budget.Acquire(ctx, n)
	if err == nil {
		m.move(n)
	}
	return err
}

// TryReserve is Reserve as Budget.TryAcquire does it.
func (m *Memory) TryReserve(n int64) bool {
	ok := m.Budget.TryAcquire(n)
	if ok {
		m.move(n)
	}
	return ok
}

// Return gives n reserved bytes back.
func (m *Memory) Return(n int64) {
	m.move(-n)
	m.Budget.Return(n)
}

// move counts n more bytes as lying elsewhere.
func (m *Memory) move(n int64) {
	if m.whole != nil {
		m.whole.move(n)
		return
	}
	m.Pool.yield(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.elsewhere += n
	if d := m.elsewhere - m.told; m.Moved != nil && (d >= moveStep || d <= -2*moveStep) {
		m.told = m.elsewhere
		m.Moved(m.told)
	}
}
