package reader

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

const (
	followPoll  = 100 * time.Millisecond // between two looks at the file
	followRush  = time.Second            // a file that never rests is read in between
	followGrace = 30 * time.Second       // how long what is half-written may stay so
)

// follow gives a run the rows of a growing dataset: those there are, then those that are appended, until it is stopped.
// Each look at the file that finds new rows becomes a run of its own over just them (a segment). A segment that ends
// early because the file changed under it is begun again where it stopped, so that each row comes once.
type follow struct {
	ctx    context.Context
	at     Placement
	table  *tableRead
	ds     *Dataset    // as last seen; of a File of its own
	first  int64       // source row that was not looked at yet
	found  sequence    // rows to give: a span, or those that a condition has chosen
	hits   *sortedRows // where found is a part of them; nil: nowhere
	inner  *fillRun    // over some of found
	block  int64       // number of the next batch
	row    int64       // of its first row in the result
	skip   int64       // result rows that are not given
	left   int64       // result rows until the limit; -1: none
	stale  bool        // a segment failed: look again first
	seen   blockio.Identity
	looked time.Time // when the file was last read
	moved  time.Time // when something was last gained
}

// checkFollow refuses what has no meaning for rows to come.
func (r Request) checkFollow() error {
	s := r.Stream
	switch {
	case s.Cyclic || s.Shuffle != nil || s.Remainder == OnlyRemainder:
		return fault.New(fault.Invalid, "stream.follow excludes cyclic, shuffle and the remainder alone: it has no last row")
	case r.SortBy != "" || r.Select != nil || r.Coordinates != nil || r.Mask != nil || r.MaskBools != nil:
		return fault.New(fault.Invalid, "stream.follow excludes sort_by, select, coordinates and mask: use start, step and where")
	case r.Stop != nil || r.Step != nil && *r.Step < 0:
		return fault.New(fault.Invalid, "stream.follow excludes stop and a negative step: use limit")
	case s.FromBlock > 0 && s.BlockRows == 0:
		return fault.New(fault.Invalid, "stream.from_block with follow needs stream.block_rows, since other batches have as many rows as there are: resume by start")
	}
	return nil
}

// growing reads a dataset that grows.
type growing struct{ *tableRead }

// begin begins to follow, with a file handle of its own.
func (g *growing) begin(ctx context.Context, at Placement) (batches, error) {
	d, r := g.ds, g.req
	if d.viaLib != nil || d.virtual || d.object == nil || d.meta.Space != meta.Simple {
		return nil, fault.New(fault.Unsupported, "stream.follow is served for datasets that are read natively and can grow")
	}
	f := &follow{ctx: ctx, at: at, table: g.tableRead, ds: d, left: -1, moved: time.Now()}
	if start := r.Start; start != nil {
		if f.first = *start; f.first < 0 {
			f.first = max(0, f.first+d.rows())
		}
	}
	s := r.Stream
	if s.FromBlock > 0 && s.FromBlock > end62/s.BlockRows {
		return nil, fault.New(fault.OutOfRange, "stream.from_block %d is past every row", s.FromBlock)
	}
	f.block, f.skip = s.FromBlock, min(r.Offset, end62-1)+r.fromRow()
	if r.Limit != nil {
		f.left = max(0, *r.Limit-r.fromRow())
	}
	f.found = span{start: f.first, step: f.step()}
	return f, nil
}

func (f *follow) step() int64 {
	if f.table.req.Step != nil {
		return *f.table.req.Step
	}
	return 1
}

// next makes the next batch, and waits for it; nil at the limit.
func (f *follow) next() (*fill, error) {
	for {
		if f.inner != nil {
			now, err := f.take()
			if now != nil || err != nil {
				return now, err
			}
		}
		if f.left == 0 {
			return nil, nil
		}
		if err := f.start(); err != nil {
			return nil, err
		}
		if f.inner != nil {
			continue
		}
		if err := f.wait(); err != nil {
			return nil, err
		}
		if err := f.look(f.ctx); err != nil {
			return nil, err
		}
	}
}

// take gives the segment's next batch; nil at its end, or where the file has to be looked at again.
func (f *follow) take() (*fill, error) {
	now, err := f.inner.next()
	if now == nil {
		f.inner.close()
		f.inner = nil
		return nil, f.patience(f.ds.explained(err))
	}
	b := &now.Block
	f.found = rest(f.found, b.Rows)
	b.Block, b.Row = f.block, f.row+f.table.req.fromRow()
	f.block, f.row = f.block+1, f.row+b.Rows
	if f.left > 0 {
		f.left -= b.Rows
	}
	f.moved = time.Now()
	return now, nil
}

// fromRow is the place in the result of a stream's first row.
func (r Request) fromRow() int64 { return r.Stream.FromBlock * r.Stream.BlockRows }

// patience forgives what a file that is being written looks like, for a while.
func (f *follow) patience(err error) error {
	f.stale = f.stale || err != nil
	kind := fault.Of(err)
	if err == nil || (kind == fault.Changed || kind == fault.DataLoss) && time.Since(f.moved) < followGrace {
		return nil
	}
	return err
}

// start starts a segment over what was found: whole blocks only where their size was asked for.
func (f *follow) start() error {
	if f.stale {
		return nil
	}
	n := f.found.Len()
	if f.left >= 0 {
		n = min(n, f.left)
	}
	if size := f.table.req.Stream.BlockRows; size > 0 && n != f.left {
		n = n / size * size
	}
	if n == 0 {
		return nil
	}
	s, err := f.segment(cutOf(f.found, 0, n))
	if err != nil {
		return f.patience(err)
	}
	f.inner = s.run(f.ctx, f.at)
	return nil
}

// segment is the scan of rows of the dataset as last seen.
func (f *follow) segment(rows sequence) (*scan, error) {
	s := *f.table.scan
	s.of, s.rows, s.passes = f.ds.subject(), rows, once()
	s.aligned = f.table.req.Stream.BlockRows == 0 && f.table.req.BatchRows == 0
	axes, err := f.ds.axes(f.table.req)
	if err != nil {
		return nil, err
	}
	return &s, locate(f.ctx, &s, f.ds, axes)
}

// wait waits for the next look.
func (f *follow) wait() error {
	pause := followPoll
	if f.looked.IsZero() {
		pause = 0
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// look reads the file's state if it has another one, and finds the new rows. A file that is being written is left
// alone until it rests, unless its writer lets others read meanwhile (SWMR), or it never rests.
func (f *follow) look(ctx context.Context) error {
	id, err := blockio.Identify(f.ds.file.loc.Path)
	if err != nil {
		return f.changed("was removed")
	}
	old, first := f.ds.file.disk.Identity(), f.looked.IsZero()
	if id.Dev != old.Dev || id.Ino != old.Ino || id.Size < old.Size {
		return f.changed("was replaced or cut off")
	}
	rests := id == f.seen
	f.seen = id
	if id == old && !first {
		f.stale = false
		return f.scan(ctx) // where it was interrupted
	}
	if !first && !rests && !f.ds.file.live && time.Since(f.looked) < followRush {
		return nil
	}
	f.looked = time.Now()
	grown, err := f.ds.reopen()
	if err != nil {
		return f.patience(err)
	}
	f.replace(grown)
	f.stale = false
	return f.scan(ctx)
}

func (f *follow) changed(how string) error {
	return f.ds.failed(fault.New(fault.Changed, "the file %s while it was followed: ask again", how))
}

// replace takes another state of the dataset and closes the file of the one before, unless it is the engine's.
func (f *follow) replace(d *Dataset) {
	if old := f.ds; old != nil && old != f.table.ds {
		_ = old.file.disk.Close()
	}
	f.ds = d
}

// settle is part of batches: nothing is mapped.
func (f *follow) settle() error { return nil }

// close ends a segment that may be running.
func (f *follow) close() {
	if f.inner != nil {
		f.inner.close()
		f.inner = nil
	}
	f.forget()
	f.replace(f.table.ds)
}

// scan adds the rows from next on to those found.
func (f *follow) scan(ctx context.Context) error {
	n := f.ds.rows()
	if n <= f.first {
		return nil
	}
	rows := span{start: f.first, step: f.step(), n: count(f.first, n, f.step())}
	if f.table.where == nil {
		before := f.found.(span)
		f.found = span{start: before.start, step: before.step, n: before.n + rows.n}
	} else if err := f.filter(ctx, rows); err != nil {
		return f.patience(err)
	}
	f.first += times(rows.n, rows.step) // below 2^62 before
	f.moved = time.Now()
	if gone := min(f.skip, f.found.Len()); gone > 0 {
		f.found, f.skip = rest(f.found, gone), f.skip-gone
	}
	return nil
}

// filter adds those of new rows for which the condition holds.
func (f *follow) filter(ctx context.Context, rows span) error {
	s, err := f.segment(rows)
	if err != nil {
		return err
	}
	q := f.table.search(s)
	q.indexes, q.stats = f.ds.indexes(), f.ds.statistics()
	more, err := q.rows(ctx, rows, everything)
	if err != nil {
		return f.ds.explained(err)
	}
	if left, ok := f.found.(section); ok && left.n > 0 {
		if more, err = joined2(left, more); err != nil {
			return err
		}
	}
	f.forget()
	f.hits, f.found = more, more.all()
	return nil
}

// forget gives back what the rows found take.
func (f *follow) forget() {
	if f.hits != nil {
		f.hits.close()
		f.hits = nil
	}
}

// swmrFlag is bit 2 of a superblock's consistency flags: opened for single writer, multiple readers (II.A, version 3).
const swmrFlag = 1 << 2

// shared tells whether a writer has the file open that lets others read (SWMR).
func (f *File) shared() bool {
	var flags [1]byte
	_, err := f.disk.ReadAt(flags[:], int64(f.h5.Base)+11)
	return err == nil && f.h5.Version >= 3 && flags[0]&swmrFlag != 0
}

// reopen reads the dataset's object header from the file as it is now, without libhdf5. It may only have grown along
// its first axis.
func (d *Dataset) reopen() (*Dataset, error) {
	file, err := openFile(d.file.eng, d.file.loc)
	if err != nil {
		return nil, err
	}
	grown, err := d.in(file)
	if err != nil {
		_ = file.disk.Close()
		return nil, err
	}
	return grown, nil
}

// in is the dataset in another state of its file.
func (d *Dataset) in(file *File) (*Dataset, error) {
	file.live = file.shared()
	o, err := chunkindex.Open(file.h5, d.meta.Addr)
	if err != nil {
		return nil, d.failed(err)
	}
	if o.Space.Kind != h5file.Simple || len(o.Space.Dims) != len(d.shape) || !bytes.Equal(o.Type, d.object.Type) ||
		!slices.Equal(signed(o.Space.Dims)[1:], d.shape[1:]) || signed(o.Space.Dims)[0] < d.shape[0] {
		return nil, d.failed(fault.New(fault.Changed, "the dataset became another, or lost rows: ask again"))
	}
	n := &Dataset{file: file, meta: d.meta, asked: d.asked, info: d.info, source: d.source, object: o}
	n.shape = signed(o.Space.Dims)
	n.meta.Shape, n.info.Shape, n.info.Rows = o.Space.Dims, n.shape, Count(n.shape[0])
	return n, n.storage()
}
