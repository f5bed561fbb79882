package reader

import "context"

// Acquire takes n bytes of the engine's budget for what the caller has in Go's heap, who has to Release them. It waits until
// others have returned theirs. Errors: ErrExhausted, ctx's.
func (e *Engine) Acquire(ctx context.Context, n int64) error { return e.mem.Budget.Acquire(ctx, n) }

// Release gives acquired bytes back.
func (e *Engine) Release(n int64) { e.mem.Budget.Return(n) }

// Reserve takes n bytes of the engine's budget for memory outside of it, which the caller has to Return. Where they are not
// free it waits, if it must, until others have returned theirs; else it says false. Errors: ErrExhausted, ctx's.
func (e *Engine) Reserve(ctx context.Context, n int64, wait bool) (bool, error) {
	if !wait {
		return e.mem.TryReserve(n), nil
	}
	err := e.mem.Reserve(ctx, n)
	return err == nil, err
}

// Return gives reserved bytes back.
func (e *Engine) Return(n int64) { e.mem.Return(n) }

// OnShortage has f called, by any goroutine, whenever bytes are wanted that are not free, until stop is: to Return what
// could be done without.
func (e *Engine) OnShortage(f func()) (stop func()) { return e.mem.Budget.OnShortage(f) }
