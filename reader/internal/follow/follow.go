package follow

import (
	"context"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

const (
	followPoll  = 100 * time.Millisecond // between two polls
	followRush  = time.Second            // a file that never rests is read in between
	followGrace = 30 * time.Second       // how long what is half-written may stay so
)

// Run reads a growing dataset: the rows there are, then those that are appended, until it is stopped.
// Each poll of the file that finds new rows becomes a run of its own over just them (a segment). A segment that ends
// early because the file changed under it is begun again where it stopped, so that each row comes once.
type Run struct {
	ctx      context.Context
	at       fill.Placement
	asked    Request
	first    Dataset       // as planned
	ds       Dataset       // as last seen; of a file handle of its own
	unseen   int64         // the first source row that was not read yet
	found    rows.Sequence // rows to give: a span, or those that a condition has chosen
	hits     *spill.Rows   // where found is a part of them; nil: nowhere
	inner    *fill.Run     // over some of found
	block    int64         // number of the next batch
	row      int64         // of its first row in the result
	skip     int64         // result rows that are not given
	left     int64         // result rows until the limit; -1: none
	stale    bool          // a segment failed: poll again first
	seen     blockio.Identity
	lastRead time.Time // when the file was last read
	lastGain time.Time // when rows were last found or given
}

// Dataset is a dataset that grows, in one state of its file.
type Dataset interface {
	Rows() int64
	// State is that of the file; shared: its writer lets others read meanwhile (SWMR).
	State() (id blockio.Identity, shared bool)
	// Now is the state of what is at the file's place.
	Now() (blockio.Identity, error)
	// Reopen is the dataset in the file as it is now, by a handle of its own. It may only have grown.
	Reopen(ctx context.Context) (Dataset, error)
	// Segment is the scan of some rows.
	Segment(ctx context.Context, rows rows.Sequence) (*fill.Scan, error)
	// Search is for those of some rows that match the condition; nil where there is none.
	Search(ctx context.Context, rows rows.Sequence) (*match.Search, error)
	Explain(err error) error // names it in an error, and tells a damaged file from one that changes
	Close()                  // its file
}

// Request is what of the rows is asked for.
type Request struct {
	Start, Step int64     // start negative: from the end
	Page        rows.Page // of the rows that match
	BlockRows   int64     // 0: batches have as many rows as there are
	FromBlock   int64
}

// fromRow is the place in the result of the first row.
func (a Request) fromRow() int64 { return a.FromBlock * a.BlockRows }

// New begins to follow a dataset. Errors: fault.OutOfRange.
func New(ctx context.Context, at fill.Placement, a Request, d Dataset) (*Run, error) {
	f := &Run{ctx: ctx, at: at, asked: a, first: d, ds: d, left: -1, lastGain: time.Now()}
	if f.unseen = a.Start; f.unseen < 0 {
		f.unseen = max(0, f.unseen+d.Rows())
	}
	if a.FromBlock > 0 && a.FromBlock > rows.End62/a.BlockRows {
		return nil, fault.New(fault.OutOfRange, "stream.from_block %d is past every row", a.FromBlock)
	}
	f.block, f.skip = a.FromBlock, min(a.Page.Offset, rows.End62-1)+a.fromRow()
	if a.Page.Limit >= 0 {
		f.left = max(0, a.Page.Limit-a.fromRow())
	}
	f.found = rows.Span{Start: f.unseen, Step: a.Step}
	return f, nil
}

// Next makes the next batch, and waits for it; nil at the limit.
func (f *Run) Next() (*fill.Batch, error) {
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
		if err := f.poll(f.ctx); err != nil {
			return nil, err
		}
	}
}

// take gives the segment's next batch; nil at its end, or where the file has to be polled again.
func (f *Run) take() (*fill.Batch, error) {
	now, err := f.inner.Next()
	if now == nil {
		f.inner.Close()
		f.inner = nil
		return nil, f.patience(f.ds.Explain(err))
	}
	b := &now.Block
	f.found = rows.Rest(f.found, b.Rows)
	b.Block, b.Row = f.block, f.row+f.asked.fromRow()
	f.block, f.row = f.block+1, f.row+b.Rows
	if f.left > 0 {
		f.left -= b.Rows
	}
	f.lastGain = time.Now()
	return now, nil
}

// patience forgives, for a while, the errors of a file that is being written.
func (f *Run) patience(err error) error {
	f.stale = f.stale || err != nil
	kind := fault.Of(err)
	if err == nil || (kind == fault.Changed || kind == fault.DataLoss) && time.Since(f.lastGain) < followGrace {
		return nil
	}
	return err
}

// start starts a segment over what was found: whole blocks only where their size was asked for.
func (f *Run) start() error {
	if f.stale {
		return nil
	}
	n := f.found.Len()
	if f.left >= 0 {
		n = min(n, f.left)
	}
	if size := f.asked.BlockRows; size > 0 && n != f.left {
		n = n / size * size
	}
	if n == 0 {
		return nil
	}
	s, err := f.ds.Segment(f.ctx, rows.Cut(f.found, 0, n))
	if err != nil {
		return f.patience(err)
	}
	f.inner = s.Run(f.ctx, f.at)
	return nil
}

// wait waits for the next poll.
func (f *Run) wait() error {
	pause := followPoll
	if f.lastRead.IsZero() {
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

// poll reads the file's state if it has another one, and finds the new rows. A file that is being written is left
// alone until it rests, unless its writer lets others read meanwhile (SWMR), or it never rests.
func (f *Run) poll(ctx context.Context) error {
	id, err := f.ds.Now()
	if fault.Of(err) == fault.Unavailable {
		return f.ds.Explain(err)
	}
	if err != nil {
		return f.changed("was removed")
	}
	old, shared := f.ds.State()
	first := f.lastRead.IsZero()
	if id.Dev != old.Dev || id.Ino != old.Ino || id.Size < old.Size {
		return f.changed("was replaced or cut off")
	}
	rests := id == f.seen
	f.seen = id
	if id == old && !first {
		f.stale = false
		return f.scan(ctx) // where it was interrupted
	}
	if !first && !rests && !shared && time.Since(f.lastRead) < followRush {
		return nil
	}
	f.lastRead = time.Now()
	grown, err := f.ds.Reopen(ctx)
	if err != nil {
		return f.patience(err)
	}
	f.replace(grown)
	f.stale = false
	return f.scan(ctx)
}

func (f *Run) changed(how string) error {
	return f.ds.Explain(fault.New(fault.Changed, "the file %s while it was followed: ask again", how))
}

// replace takes another state of the dataset and closes the file of the one before, unless it is the planned one's.
func (f *Run) replace(d Dataset) {
	if old := f.ds; old != f.first {
		old.Close()
	}
	f.ds = d
}

// Settle has nothing to wait for: no batch is mapped.
func (f *Run) Settle() error { return nil }

// Close ends a segment that may be running.
func (f *Run) Close() {
	if f.inner != nil {
		f.inner.Close()
		f.inner = nil
	}
	f.closeHits()
	f.replace(f.first)
}

// scan adds the rows that are new to those found.
func (f *Run) scan(ctx context.Context) error {
	n := f.ds.Rows()
	if n <= f.unseen {
		return nil
	}
	all := rows.Span{Start: f.unseen, Step: f.asked.Step, N: rows.Steps(f.unseen, n, f.asked.Step)}
	if err := f.add(ctx, all); err != nil {
		return f.patience(err)
	}
	f.unseen += rows.Times(all.N, all.Step) // below 2^62 before
	f.lastGain = time.Now()
	if gone := min(f.skip, f.found.Len()); gone > 0 {
		f.found, f.skip = rows.Rest(f.found, gone), f.skip-gone
	}
	return nil
}

// add adds those of new rows for which the condition holds; all where there is none.
func (f *Run) add(ctx context.Context, all rows.Span) error {
	q, err := f.ds.Search(ctx, all)
	if err != nil {
		return err
	}
	if q == nil {
		before := f.found.(rows.Span)
		f.found = rows.Span{Start: before.Start, Step: before.Step, N: before.N + all.N}
		return nil
	}
	more, err := q.Rows(ctx, all, rows.Everything)
	if err != nil {
		return f.ds.Explain(err)
	}
	if left, ok := f.found.(spill.Section); ok && left.N > 0 {
		if more, err = spill.Join(left, more); err != nil {
			return err
		}
	}
	f.closeHits()
	f.hits, f.found = more, more.Section()
	return nil
}

// closeHits gives back what the rows found take.
func (f *Run) closeHits() {
	if f.hits != nil {
		f.hits.Close()
		f.hits = nil
	}
}
