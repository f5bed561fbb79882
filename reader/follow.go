package reader

import (
	"context"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
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
	asked  followed
	first  growingRows // as planned
	ds     growingRows // as last seen; of a file handle of its own
	next1  int64       // source row that was not looked at yet
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

// growingRows is a dataset that grows, in one state of its file.
type growingRows interface {
	Rows() int64
	// State is that of the file; shared: its writer lets others read meanwhile (SWMR).
	State() (id blockio.Identity, shared bool)
	// Now is the state of what is at the file's place.
	Now() (blockio.Identity, error)
	// Reopen is the dataset in the file as it is now, by a handle of its own. It may only have grown.
	Reopen() (growingRows, error)
	// Segment is the scan of some rows.
	Segment(ctx context.Context, rows sequence) (*scan, error)
	// Search finds those of rows that match the condition, if there is one.
	Search(s *scan) *search
	Explain(err error) error // names it in an error, and tells a damaged file from one that changes
	Close()                  // its file
}

// followed is what of the rows is asked for.
type followed struct {
	start, step int64 // start negative: from the end
	page        page  // of the rows that match
	blockRows   int64 // 0: batches have as many rows as there are
	fromBlock   int64
}

// fromRow is the place in the result of the first row.
func (a followed) fromRow() int64 { return a.fromBlock * a.blockRows }

// newFollow begins to follow a dataset. Errors: fault.OutOfRange.
func newFollow(ctx context.Context, at Placement, a followed, d growingRows) (*follow, error) {
	f := &follow{ctx: ctx, at: at, asked: a, first: d, ds: d, left: -1, moved: time.Now()}
	if f.next1 = a.start; f.next1 < 0 {
		f.next1 = max(0, f.next1+d.Rows())
	}
	if a.fromBlock > 0 && a.fromBlock > end62/a.blockRows {
		return nil, fault.New(fault.OutOfRange, "stream.from_block %d is past every row", a.fromBlock)
	}
	f.block, f.skip = a.fromBlock, min(a.page.offset, end62-1)+a.fromRow()
	if a.page.limit >= 0 {
		f.left = max(0, a.page.limit-a.fromRow())
	}
	f.found = span{start: f.next1, step: a.step}
	return f, nil
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
		return nil, f.patience(f.ds.Explain(err))
	}
	b := &now.Block
	f.found = rest(f.found, b.Rows)
	b.Block, b.Row = f.block, f.row+f.asked.fromRow()
	f.block, f.row = f.block+1, f.row+b.Rows
	if f.left > 0 {
		f.left -= b.Rows
	}
	f.moved = time.Now()
	return now, nil
}

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
	if size := f.asked.blockRows; size > 0 && n != f.left {
		n = n / size * size
	}
	if n == 0 {
		return nil
	}
	s, err := f.ds.Segment(f.ctx, cutOf(f.found, 0, n))
	if err != nil {
		return f.patience(err)
	}
	f.inner = s.run(f.ctx, f.at)
	return nil
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
	id, err := f.ds.Now()
	if err != nil {
		return f.changed("was removed")
	}
	old, shared := f.ds.State()
	first := f.looked.IsZero()
	if id.Dev != old.Dev || id.Ino != old.Ino || id.Size < old.Size {
		return f.changed("was replaced or cut off")
	}
	rests := id == f.seen
	f.seen = id
	if id == old && !first {
		f.stale = false
		return f.scan(ctx) // where it was interrupted
	}
	if !first && !rests && !shared && time.Since(f.looked) < followRush {
		return nil
	}
	f.looked = time.Now()
	grown, err := f.ds.Reopen()
	if err != nil {
		return f.patience(err)
	}
	f.replace(grown)
	f.stale = false
	return f.scan(ctx)
}

func (f *follow) changed(how string) error {
	return f.ds.Explain(fault.New(fault.Changed, "the file %s while it was followed: ask again", how))
}

// replace takes another state of the dataset and closes the file of the one before, unless it is the planned one's.
func (f *follow) replace(d growingRows) {
	if old := f.ds; old != f.first {
		old.Close()
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
	f.replace(f.first)
}

// scan adds the rows that are new to those found.
func (f *follow) scan(ctx context.Context) error {
	n := f.ds.Rows()
	if n <= f.next1 {
		return nil
	}
	all := span{start: f.next1, step: f.asked.step, n: count(f.next1, n, f.asked.step)}
	if err := f.add(ctx, all); err != nil {
		return f.patience(err)
	}
	f.next1 += times(all.n, all.step) // below 2^62 before
	f.moved = time.Now()
	if gone := min(f.skip, f.found.Len()); gone > 0 {
		f.found, f.skip = rest(f.found, gone), f.skip-gone
	}
	return nil
}

// add adds those of new rows for which the condition holds; all where there is none.
func (f *follow) add(ctx context.Context, all span) error {
	s, err := f.ds.Segment(ctx, all)
	if err != nil {
		return err
	}
	q := f.ds.Search(s)
	if q == nil {
		before := f.found.(span)
		f.found = span{start: before.start, step: before.step, n: before.n + all.n}
		return nil
	}
	more, err := q.rows(ctx, all, everything)
	if err != nil {
		return f.ds.Explain(err)
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
