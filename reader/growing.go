package reader

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/follow"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// growing reads a dataset that grows.
type growing struct{ *tableRead }

// begin is part of read. It follows, with a file handle of its own.
func (g growing) begin(ctx context.Context, at fill.Placement) (batches, error) {
	d, r := g.ds, g.req
	if d.file.loc.Store != nil || d.viaLib != nil || d.virtual || d.object == nil || d.meta.Space != meta.Simple {
		return nil, fault.New(fault.Unsupported, "stream.follow is served for datasets that are read natively and can grow, not of objects in a store")
	}
	a := follow.Request{Step: 1, Page: rows.PageOf(r), BlockRows: r.Stream.BlockRows, FromBlock: r.Stream.FromBlock}
	if r.Start != nil {
		a.Start = *r.Start
	}
	if r.Step != nil {
		a.Step = *r.Step
	}
	f, err := follow.New(ctx, at, a, g)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// rows is part of read: there is no last one.
func (g growing) rows() int64 { return -1 }

// explain is part of read.
func (g growing) explain(ctx context.Context) (*Explanation, error) {
	return g.explained(ctx, g.rows())
}

// The methods by which package follow knows a dataset that grows.

func (g growing) Rows() int64 { return g.ds.rows() }

func (g growing) State() (blockio.Identity, bool) { return g.ds.file.disk.Identity(), g.ds.file.live }

func (g growing) Now() (blockio.Identity, error) {
	return location.Identify(context.Background(), g.ds.file.eng.disks, g.ds.file.loc)
}

func (g growing) Explain(err error) error { return g.ds.explained(err) }

func (g growing) Close() { _ = g.ds.file.disk.Close() }

func (g growing) Reopen(ctx context.Context) (follow.Dataset, error) {
	now := *g.tableRead
	var err error
	if now.ds, err = g.ds.reopen(ctx); err != nil {
		return nil, err
	}
	return growing{&now}, nil
}

func (g growing) Segment(ctx context.Context, seq rows.Sequence) (*fill.Scan, error) {
	s := *g.scan
	s.Dataset, s.Rows, s.Passes = g.ds.subject(), seq, rows.Once()
	s.Aligned = g.req.Stream.BlockRows == 0 && g.req.BatchRows == 0
	axes, err := g.ds.axes(g.req)
	if err != nil {
		return nil, err
	}
	return &s, locate(ctx, &s, g.ds, axes)
}

func (g growing) Search(ctx context.Context, seq rows.Sequence) (*match.Search, error) {
	if g.where == nil {
		return nil, nil
	}
	s, err := g.Segment(ctx, seq)
	if err != nil {
		return nil, err
	}
	return g.search(s), nil
}

// reopen reads the dataset's object header from the file as it is now, without libhdf5. It may only have grown along
// its first axis.
func (d *Dataset) reopen(ctx context.Context) (*Dataset, error) {
	file, err := openFile(ctx, d.file.eng, d.file.loc)
	if err != nil {
		return nil, err
	}
	grown, err := d.in(ctx, file)
	if err != nil {
		_ = file.disk.Close()
		return nil, err
	}
	return grown, nil
}

// in is the dataset in another state of its file.
func (d *Dataset) in(ctx context.Context, file *File) (*Dataset, error) {
	o, err := chunkindex.Open(file.h5, d.meta.Addr)
	if err != nil {
		return nil, d.failed(err)
	}
	if !o.GrownFrom(d.object) {
		return nil, d.failed(fault.New(fault.Changed, "the dataset became another, or lost rows: ask again"))
	}
	n := &Dataset{file: file, meta: d.meta, asked: d.asked, info: d.info, source: d.source, object: o}
	n.shape = rows.Extents(o.Space.Dims)
	n.meta.Shape, n.info.Shape, n.info.Rows = o.Space.Dims, n.shape, Count(n.shape[0])
	return n, n.storage(ctx)
}

// follows tells whether rows to come are waited for.
func follows(r Request) bool { return r.Stream != nil && r.Stream.Follow }
