package collection

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Files that cannot be read are left out where a request says so, and named: in the schema's metadata and with the last batch.

const (
	maxSkipped = 1000 // files
	maxReason  = 300  // bytes
)

// skips are the files that were left out. add may be called side by side.
type skips struct {
	tell func(reader.Location, error) string // nil: none is left out
	told []protocol.Skipped                  // in the order of the files, after without

	mu   sync.Mutex
	seen []skip
}

type skip struct {
	at  int
	of  reader.Location
	err error
}

// newSkips leaves files out if the request asks for it. A ticket names files that could be read.
func newSkips(tell func(reader.Location, error) string, r reader.Request) *skips {
	if r.Options.OnError != "skip" || r.State != "" {
		tell = nil
	}
	return &skips{tell: tell}
}

// add leaves out a file that cannot be read: it is damaged, not to be read, without the dataset, or that is not served. Other errors it gives back.
// So it does that of a disk that does not answer, after which the same request may have more rows.
func (s *skips) add(at int, of reader.Location, served bool, err error) error {
	kind := fault.Of(err)
	unreadable := kind == fault.DataLoss || kind == fault.Denied || !served && (kind == fault.NotFound || kind == fault.Unsupported)
	if s.tell == nil || !unreadable {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, skip{at, of, err})
	if len(s.seen) > maxSkipped {
		return fault.New(kind, "more than %d files cannot be read, which are too many to be left out: %w", maxSkipped, err)
	}
	return nil
}

// without is the members that were read; if there is none, the error of the first file.
func (s *skips) without(all []member) ([]member, error) {
	slices.SortFunc(s.seen, func(a, b skip) int { return cmp.Compare(a.at, b.at) })
	if len(s.seen) == len(all) {
		return nil, s.seen[0].err
	}
	for _, one := range s.seen {
		reason := s.tell(one.of, one.err)
		s.told = append(s.told, protocol.Skipped{File: one.of.Name, Reason: strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")})
	}
	return slices.DeleteFunc(all, func(m member) bool { return m.variant == nil }), nil
}

// telling is the batches of a run, the last of which names the files that were left out. It holds one more than they do.
type telling struct {
	reader.Batches
	plan      *plan
	now, next *fill.Batch
	begun     bool
	err       error // behind next
}

// Next is part of reader.Batches.
func (t *telling) Next() (*fill.Batch, error) {
	drop(&t.now)
	if !t.begun {
		t.begun = true
		if t.look(); t.next == nil && t.err == nil {
			t.next = t.empty()
		}
	}
	if t.now, t.next = t.next, nil; t.now == nil {
		return nil, t.err
	}
	if t.err == nil {
		t.look()
	}
	if t.next == nil && t.err == nil {
		t.now.Skipped = t.plan.skipped
	}
	return t.now, nil
}

// look takes the next batch, which outlives the one behind it.
func (t *telling) look() {
	b, err := t.Batches.Next()
	if t.err = err; b != nil && err == nil {
		b.Record.Retain()
		t.next = &fill.Batch{Batch: b.Batch, Record: b.Record}
	}
}

// empty is a batch of no rows, where there is no other.
func (t *telling) empty() *fill.Batch {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), t.plan.schema)
	defer b.Release()
	return &fill.Batch{Batch: rows.Batch{}, Record: b.NewRecord()}
}

// Close is part of reader.Batches.
func (t *telling) Close() {
	drop(&t.now)
	drop(&t.next)
	t.Batches.Close()
}

func drop(b **fill.Batch) {
	if *b != nil {
		(*b).Record.Release()
		*b = nil
	}
}
