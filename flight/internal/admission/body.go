package admission

import (
	"context"
	"io"
	"sync/atomic"
)

// Body reads what a request of HTTP sends, counted and awaited as gRPC's messages are; cut has its reader fail. What it gives counts until taken is called, after
// an error, too.
func (d *Door) Body(r io.Reader, cut func()) (body []byte, taken func(), err error) {
	var got, counted atomic.Int64
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	e := &Entry{door: d, received: got.Load, end: end}
	d.await(e)
	defer d.forget(e)
	defer context.AfterFunc(ctx, cut)()
	taken = func() { d.held.Add(-counted.Swap(0)) }
	body = make([]byte, 0, 512)
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		got.Add(int64(n))
		switch why := context.Cause(ctx); {
		case why != nil:
			return nil, taken, why
		case err == io.EOF:
			return body, taken, nil
		case err != nil:
			return nil, taken, err
		case len(body) < cap(body):
			continue
		}
		more := int64(3 * cap(body)) // beside what is copied
		if !d.enter(more) {
			return nil, taken, errNoRoom
		}
		counted.Add(more)
		body = append(make([]byte, 0, 4*cap(body)), body...)
	}
}
