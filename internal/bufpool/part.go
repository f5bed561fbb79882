package bufpool

import "context"

// Part makes a Memory of its own of the lease's bytes, none of which are allocated; the lease is closed. Whoever takes of it
// waits for no one else. Beyond them it grows up to most, where that is wanted and the whole has bytes to spare. Its Budget has to
// be closed.
func (l *Lease) Part(most int64) *Memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, whole := l.reserved, l.mem.Budget
	l.reserved, l.closed = 0, true
	return &Memory{Budget: &Budget{limit: n, base: n, most: max(n, most), wait: whole.wait, whole: whole}, Pool: l.mem.Pool, whole: l.mem}
}

// Refill gives the lease's bytes, none of which are allocated, to a part that has given some back; the lease is closed.
func (l *Lease) Refill(part *Budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	part.raise(l.reserved)
	l.reserved, l.closed = 0, true
}

// raise adds bytes of the whole to a part.
func (b *Budget) raise(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit += n
	b.grant()
}

// lack is how many bytes a part may get from the whole so that n are free, for whoever waits first too.
func (b *Budget) lack(n int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n < 0 || n > b.most {
		return 0
	}
	if first := b.waiters.Front(); first != nil {
		n = max(n, first.Value.(*waiter).n)
	}
	return min(b.used+n, b.most) - b.limit
}

// tryFund gets what a part lacks, if that is free.
func (b *Budget) tryFund(n int64) {
	if lack := b.lack(n); lack > 0 && b.whole.TryAcquire(lack) {
		b.raise(lack)
	}
}

// fund gets what a part lacks so that n bytes are free, if the whole has bytes to spare. For as many as it has given back it waits.
func (b *Budget) fund(ctx context.Context, n int64) error {
	if b.whole == nil {
		return nil
	}
	b.tryFund(n)
	b.mu.Lock()
	lack := n - b.limit
	b.mu.Unlock()
	if lack <= 0 {
		return nil
	}
	if err := b.whole.Acquire(ctx, lack); err != nil {
		return err
	}
	b.raise(lack)
	return nil
}

// Lacks is how many bytes a part has given back.
func (b *Budget) Lacks() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.base-b.limit)
}

// Shrink gives back to the whole what is not in use, until Refill.
func (b *Budget) Shrink() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole.Return(b.limit - b.used)
	b.limit = b.used
}

// Close ends a part of a budget: the whole gets back what is not in use, and the rest as it is returned.
func (b *Budget) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.most = true, 0
	b.whole.Return(b.limit - b.used)
	b.limit = b.used
}
