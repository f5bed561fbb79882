package catalog

import (
	"cmp"
	"context"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
)

// walker calls visit for what it finds.
type walker = func(ctx context.Context, visit func(Entry) error) error

// patiently is a walk below a root that waits for each entry as long as for a read, and leaves the rest out, with an entry that
// says so, where its disk does not answer. The walk itself may go on then.
func (c *Catalog) patiently(r root, walk walker) walker {
	if c.disks.InPlace() {
		return walk
	}
	return func(ctx context.Context, visit func(Entry) error) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		found := make(chan Entry)
		var ended error // when found is closed
		go func() {
			defer close(found)
			ended = walk(ctx, func(e Entry) error {
				select {
				case found <- e:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
		}()
		for {
			e, err := disks.Names(ctx, c.disks, r.path, func() (*Entry, error) {
				if e, more := <-found; more {
					return &e, nil
				}
				return nil, ended
			})
			switch {
			case fault.Of(err) == fault.Unavailable:
				return visit(Entry{Location: c.location(r.path, cmp.Or(r.name, ".")), Err: err})
			case e == nil || err != nil:
				return err
			}
			if err := visit(*e); err != nil {
				return err
			}
		}
	}
}
