package disks

import (
	"context"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

// remoteCalls is how many calls to a store there are at once.
const remoteCalls = 32

// Remote is a store in the network, by its name, which calls are bounded for as for a disk.
func (d *Disks) Remote(name, kind string) *Disk {
	if d == nil {
		return nil
	}
	return d.disk(mount{at: name, device: "\x00" + name, kind: kind, waits: true, remote: true})
}

// Call makes a call that ends with its context, so that it may share memory with the caller: f's context ends after the limit,
// with ctx, or when nobody waits any more. The worker is lent meanwhile. Errors: f's.
func Call(ctx context.Context, l *Lane, f func(ctx context.Context) error) error {
	if l == nil {
		ctx, stop := within(ctx, DefaultLimit)
		defer stop()
		return f(ctx)
	}
	d := l.disk.all
	ctx, stop := within(ctx, d.Limit)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.over, func() { cancel(fault.New(fault.Unavailable, "the server ends")) })()
	if d.Lend != nil {
		d.Lend(1)
		defer d.Lend(-1)
	}
	err := l.disk.called(ctx, f)
	if fault.Of(err) == fault.Unavailable {
		l.Lose()
	}
	return err
}

// called makes a call when there is a slot for it.
func (k *Disk) called(ctx context.Context, f func(ctx context.Context) error) error {
	select {
	case k.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-k.slots }()
	return f(ctx)
}

func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fault.New(fault.Unavailable, "the store has not answered for %v: ask again later (--read-timeout is how long it is waited for)", limit))
}
