package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/sched"
)

const (
	defaultBatch = 7 << 19  // 3.5 MiB: many gRPC clients refuse messages over 4 MiB
	maxBatch     = 64 << 20 // whatever is asked for
	runBytes     = 128      // about what planning takes for a row that comes alone
	maxMixed     = 1 << 20  // rows of a block that are shuffled, some 40 bytes each
)

// shared is what all scans use. Safe for concurrent use.
type shared struct {
	mem     *bufpool.Memory
	workers *sched.Pool
	count   int // of workers
	chunks  *chunkcache.Cache
	log     *zap.Logger
	setting func(buffers int64) int64 // the memory that a server has to be given for so many bytes of buffers
}

// subject is the dataset that a scan reads.
type subject struct {
	name      string // in messages
	unchanged func() bool
	explain   func(error) error // names it in an error, and tells a damaged file from one that changes
	resolver  func(ctx context.Context) convert.Resolver
}

// scan says which rows of a store come as which batches. It is immutable once it runs, and can be run many times.
type scan struct {
	*shared
	of      subject
	store   store
	geo     *geometry
	program *convert.Program
	rows    sequence // nil: reading has to find them

	size      int64 // rows of a batch
	aligned   bool  // the first batch of rows that follow each other ends at a chunk's boundary
	passes    passes
	unordered bool  // batches come as they are ready
	threads   int   // workers at most; 0: all
	readAhead int64 // batches decoded ahead; 0: as many as keep the workers busy

	visitor visitor // looks at the elements; nil: they are put into batches
	claim   *claim  // what the request has reserved for large chunks; nil: none
	sides   int     // scans side by side that share it, this one too; 0: none
}

// visitor looks at elements in the workers, instead of their being put into batches. Safe for concurrent use.
type visitor interface {
	// visit looks at what is wanted of a chunk's elements. fill: e is one element that stands for all.
	visit(v visit, e convert.Elems, fill bool) error
	// past tells whether nothing of the scan is wanted from a place on.
	past(place int64) bool
	// keeps tells whether elements are kept beside the batches.
	keeps() bool
}

// over is the scan of all rows of another store of one axis, in their order there.
func (s *scan) over(other store, seq sequence) *scan {
	q := *s
	q.store, q.rows = other, seq
	q.geo = newGeometry([]int64{seq.Len()}, other.extents(), []axis{wholeAxis(seq.Len())})
	return &q
}

// values is a scan of rows by another program, once and in order.
func (s *scan) values(program *convert.Program, seq sequence) *scan {
	q := &scan{shared: s.shared, of: s.of, store: s.store, geo: s.geo, program: program, rows: seq, aligned: true, passes: once(), claim: s.claim}
	q.size = q.blockRows(defaultBatch / q.rowBytes())
	return q
}

// reading is values in batches that leave most of the budget alone.
func (s *scan) reading(program *convert.Program, rows sequence) *scan {
	q := s.values(program, rows)
	q.size = max(1, min(q.size, s.budget().Limit()/32/q.rowBytes()))
	return q
}

// each uses the batches of a scan, each during the call, until use has enough.
func (s *scan) each(ctx context.Context, use func(f *fill) (more bool)) error {
	r := s.run(ctx, nil)
	defer r.close()
	for {
		f, err := r.next()
		if f == nil || err != nil {
			return err
		}
		if !use(f) {
			return nil
		}
	}
}

// schema is that of its batches.
func (s *scan) schema() *arrow.Schema { return s.program.Schema(arrow.Metadata{}) }

// rowBytes is about how many Arrow bytes a row takes, at least one.
func (s *scan) rowBytes() int64 {
	const probe = 1024
	return max(1, s.program.BatchBytes(probe)/probe)
}

// batchBytes is how many bytes a batch of so many rows takes, 2^62 where it is more.
func (s *scan) batchBytes(n int64) int64 { return min(s.program.BatchBytes(int(n)), end62) }

func (s *scan) chunkBytes() int64 { return product(s.geo.chunk) * int64(s.program.ElemSize()) }

// chunkRows is the rows of a chunk.
func (s *scan) chunkRows() int64 { return s.geo.chunk[s.geo.rows] }

// blockRows are about so many rows: whole chunks where they fit.
func (s *scan) blockRows(rows int64) int64 {
	rows = max(1, rows)
	if band := s.chunkRows(); rows >= band {
		return rows / band * band
	}
	return rows
}

func (s *scan) newBlocks() *blocks {
	b := newBlocks(s.rows.Len(), s.size, s.passes)
	if first, ok := starts(s.rows); ok && s.aligned {
		band := s.chunkRows()
		if off := first % band; off != 0 && s.size >= band {
			b.align = band - off
		}
	}
	return b
}

func (s *scan) mostWorkers() int {
	n := s.count
	if s.threads > 0 {
		n = min(n, s.threads)
	}
	if _, ok := s.store.(heavier); ok && s.claim != nil {
		n = min(n, s.claim.slots)
	}
	return n
}

// check refuses blocks that cannot be held in memory, as far as the rows are known.
func (s *scan) check() error {
	if s.passes.mix && s.size > maxMixed {
		return fault.New(fault.Exhausted, "stream.shuffle_rows in blocks of %d rows: at most %d are possible, choose smaller stream.block_rows", s.size, maxMixed)
	}
	if s.rows == nil {
		return nil
	}
	return s.newBlocks().check()
}

// known is how many rows its batches have, -1 where reading has to tell or there is no end.
func (s *scan) known() int64 {
	if s.rows == nil {
		return -1
	}
	return s.newBlocks().rows()
}

// window is the number of blocks decoded ahead.
func (s *scan) window() int {
	if s.readAhead > 0 {
		return int(min(s.readAhead, maxGroups))
	}
	return 2*s.mostWorkers() + 1
}

// newSortedRows makes room for n rows of the scan's dataset, and more where more come.
func (s *scan) newSortedRows(n int64, down bool) (*sortedRows, error) {
	return newSortedRows(s.budget(), n, s.chunkRows(), down)
}

// resolver finds what the elements only point at; nil where they point at nothing.
func (s *scan) resolver(ctx context.Context) convert.Resolver {
	if !s.program.NeedsResolver() {
		return nil
	}
	return s.of.resolver(ctx)
}

// wholeElement is the program that takes elements as bytes.
func wholeElement(size int) (*convert.Program, error) {
	raw := convert.Source{Name: "row", Type: &h5type.Type{Class: h5type.Opaque, Size: size}}
	return convert.Compile(raw, nil, convert.Options{})
}
