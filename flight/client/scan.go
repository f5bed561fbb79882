package client

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc"

	"github.com/mtflight/mtflight/flight/client/internal/rpc"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// Option changes how Scan goes about it.
type Option func(*scan)

// Parallel reads at most n endpoints at a time, each on a stream of its own, of the first of its locations that answers; with 1,
// the default, the server that the client is connected to is the first. The
// rows still come in order, so that the batches of later endpoints wait in memory, at most a few for each.
func Parallel(n int) Option { return func(s *scan) { s.parallel = max(n, 1) } }

// Allocator is where the client's own buffers come from; by default Go's heap.
func Allocator(mem memory.Allocator) Option { return func(s *scan) { s.mem = mem } }

// Retries is how often in a row a stream that breaks is asked for again, where it broke, without a batch in between; by
// default 8, 0 for never. Only what may pass is asked again: a lost connection, a server that is shutting down.
func Retries(n int) Option { return func(s *scan) { s.retries = max(n, 0) } }

type scan struct {
	parallel int
	mem      memory.Allocator
	retries  int
}

const defaultRetries = 8

// waiting is how many batches of an endpoint wait to be taken, beside the one in hand.
const waiting = 2

// Scan gives the rows of a request, in order unless the request's stream is unordered. Long coordinates and masks of
// booleans go by DoExchange; anything else is asked for as the server splits it. The caller releases the Rows, which
// ends its streams; so does the end of ctx.
func (c *Client) Scan(ctx context.Context, r protocol.Request, options ...Option) (*Rows, error) {
	s := scan{parallel: 1, mem: memory.DefaultAllocator, retries: defaultRetries}
	for _, o := range options {
		o(&s)
	}
	if r.MaskRows > 0 || len(r.Coordinates) > longList {
		return c.exchange(ctx, s, r)
	}
	if r.Endpoints == 0 && s.parallel == 1 {
		r.Endpoints = 1
	}
	info, schema, err := c.info(ctx, r)
	if err != nil {
		return nil, err
	}
	var parts []*part
	for _, e := range info.Endpoints {
		servers, err := c.replicas(e)
		if s.parallel == 1 { // at home, and elsewhere where that is lost
			servers = append([]rpc.Server{c.server}, servers...)
		} else if err != nil {
			return nil, err
		}
		parts = append(parts, getPart(servers, e.Ticket))
	}
	return c.start(ctx, s, schema, info.TotalRecords, parts), nil
}

// info is what the server says of a request, and the schema of its rows.
func (c *Client) info(ctx context.Context, r protocol.Request) (info *rpc.Info, schema *arrow.Schema, err error) {
	command, err := protocol.FormatTicket(r)
	if err != nil {
		return nil, nil, err
	}
	if info, err = c.server.GetFlightInfo(ctx, command); err != nil {
		return nil, nil, c.refused(ctx, fromStatus(err))
	}
	schema, err = deserialize(info.Schema)
	return info, schema, err
}

// reuseConnection begins the location that stands for the server itself (Flight.rst, "Connection Reuse").
const reuseConnection = "arrow-flight-reuse-connection:"

// replicas are the servers that have an endpoint, at least one; none that must not get the bearer.
func (c *Client) replicas(e rpc.Endpoint) (servers []rpc.Server, err error) {
	for _, location := range e.Locations {
		server := c.server
		if !strings.HasPrefix(location, reuseConnection) {
			if !c.security.trusts(location) {
				continue
			}
			if server, err = c.at(location); err != nil {
				return nil, err
			}
		}
		servers = append(servers, server)
	}
	if len(servers) == 0 {
		servers = append(servers, c.server)
	}
	return servers, nil
}

func (c *Client) start(ctx context.Context, s scan, schema *arrow.Schema, total int64, parts []*part) *Rows {
	ctx, cancel := context.WithCancel(ctx)
	r := &Rows{schema: schema, total: total, cancel: cancel, parts: slices.Clone(parts)}
	r.references.Store(1)
	turns := make(chan struct{}, s.parallel)
	r.running.Go(func() {
		for _, p := range parts {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				p.end(context.Cause(ctx))
				continue
			}
			r.running.Go(func() {
				defer func() { <-turns }()
				p.end(gone(p.readAll(ctx, s)))
			})
		}
	})
	return r
}

// getPart is the stream of a ticket; where one of its servers is lost the next one is asked. What other servers' tickets
// say is not known: they are not resumed.
func getPart(servers []rpc.Server, ticket []byte) *part {
	text := func(*int64) ([]byte, error) { return ticket, nil }
	first, never := int64(0), true
	if r, err := protocol.ParseTicket(ticket); err == nil {
		r = resumable(r)
		text = func(from *int64) ([]byte, error) { return protocol.FormatTicket(fromBlock(r, from)) }
		first, never = r.Stream.FromBlock, r.Stream.Follow && r.Stream.BlockRows == 0
	}
	p := newPart(nil, first)
	p.resume.never = never
	p.open = func(ctx context.Context, from *int64) (grpc.ClientStream, error) {
		ticket, err := text(from)
		if err != nil {
			return nil, err
		}
		return servers[p.resume.failed%len(servers)].DoGet(ctx, ticket)
	}
	return p
}

// part is one stream.
type part struct {
	open    func(ctx context.Context, from *int64) (grpc.ClientStream, error) // nil: what was asked for
	resume  resume
	batches chan batch
	err     error // set before batches is closed
}

type batch struct {
	record arrow.Record
	block  protocol.Block
}

func newPart(open func(context.Context, *int64) (grpc.ClientStream, error), first int64) *part {
	return &part{open: open, resume: resume{next: first}, batches: make(chan batch, waiting)}
}

func (p *part) end(err error) {
	p.err = err
	close(p.batches)
}

// read takes a stream's batches to the channel, but for those that have come before.
func (p *part) read(ctx context.Context, mem memory.Allocator) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.open(ctx, p.resume.from())
	if err != nil {
		return fromStatus(err)
	}
	from := newMessages(stream)
	in, err := ipc.NewReaderFromMessageReader(from, ipc.WithAllocator(bounded{mem}))
	if err != nil {
		from.Release()
		return damaged(fromStatus(err))
	}
	defer in.Release()
	for in.Next() {
		b := batch{record: in.Record()}
		if meta := from.data.AppMetadata; len(meta) > 0 {
			if err := json.Unmarshal(meta, &b.block); err != nil {
				return fault.New(fault.DataLoss, "client: where a batch stands: %w", err)
			}
			taken := b.block.Rows > 0 && b.record.NumRows() == 0 // back: the file changed meanwhile, as the stream's end tells
			if taken || !p.resume.take(b.block.Block) {
				continue
			}
		} else {
			p.resume.unplaced()
		}
		b.record.Retain()
		select {
		case p.batches <- b:
		case <-ctx.Done():
			b.record.Release()
			return context.Cause(ctx)
		}
	}
	return damaged(fromStatus(in.Err()))
}

// Rows is an array.RecordReader over the batches of a request.
type Rows struct {
	schema     *arrow.Schema
	total      int64
	cancel     context.CancelFunc
	running    sync.WaitGroup
	parts      []*part // not yet at their end
	current    batch
	err        error
	references atomic.Int64
}

var _ array.RecordReader = (*Rows)(nil)

// Schema is known before the first batch.
func (r *Rows) Schema() *arrow.Schema { return r.schema }

// Total is the number of rows to come, -1 if unknown.
func (r *Rows) Total() int64 { return r.total }

// Next waits for the next batch.
func (r *Rows) Next() bool {
	r.drop()
	for r.err == nil && len(r.parts) > 0 {
		b, ok := <-r.parts[0].batches
		if ok {
			r.current = b
			return true
		}
		r.err = r.parts[0].err
		r.parts = r.parts[1:]
	}
	return false
}

func (r *Rows) drop() {
	if r.current.record != nil {
		r.current.record.Release()
		r.current = batch{}
	}
}

// Record is the current batch, valid until Next or Release.
func (r *Rows) Record() arrow.Record { return r.current.record }

// Block says where the current batch stands in its endpoint's stream: to resume, ask with Stream.FromBlock.
func (r *Rows) Block() protocol.Block { return r.current.block }

// Err is what ended the rows early, nil at their end.
func (r *Rows) Err() error { return r.err }

// Retain and Release count references; the last Release ends the streams and waits for them.
func (r *Rows) Retain() { r.references.Add(1) }

// Release see Retain.
func (r *Rows) Release() {
	if r.references.Add(-1) != 0 {
		return
	}
	r.cancel()
	r.drop()
	for _, p := range r.parts {
		for b := range p.batches {
			b.record.Release()
		}
	}
	r.running.Wait()
}
