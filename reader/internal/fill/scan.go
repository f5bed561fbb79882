package fill

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/sched"
	"github.com/mtflight/mtflight/reader/internal/spill"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// distantTasks is how many tasks of a read over a network run at once.
const distantTasks = 16

const (
	DefaultBatch = 7 << 19  // 3.5 MiB: many gRPC clients refuse messages over 4 MiB
	MaxBatch     = 64 << 20 // whatever is asked for
	RunBytes     = 128      // about what planning takes for a row that comes alone
	maxMixed     = 1 << 20  // rows of a block that are shuffled, some 40 bytes each
)

// Engine is what all scans use. Safe for concurrent use.
type Engine struct {
	Mem         *bufpool.Memory
	Workers     *sched.Pool
	WorkerCount int // of workers
	Chunks      *chunkcache.Cache
	Log         *zap.Logger
	MemoryFor   func(buffers int64) int64 // the memory that a server has to be given for so many bytes of buffers
}

// Dataset is the dataset that a scan reads.
type Dataset struct {
	Name      string                // in messages
	Others    func(context.Context) // opens the other files that elements lie in, too; nil: there are none
	Distant   bool                  // elements come over a network: what counts is how many requests there are, and how many at once
	Unchanged func() bool
	Explain   func(error) error // names it in an error, and tells a damaged file from one that changes
	Resolver  func(ctx context.Context) convert.Resolver
}

// Scan says which rows of a store come as which batches. It is immutable once it runs, and can be run many times.
type Scan struct {
	*Engine
	Dataset  Dataset
	Store    store.Store
	Geometry *rows.Geometry
	Program  *convert.Program
	Rows     rows.Sequence // nil: reading has to find them

	Size       int64 // rows of a batch
	Aligned    bool  // the first batch of rows that follow each other ends at a chunk's boundary
	Passes     rows.Passes
	Unordered  bool  // batches come as they are ready
	MaxWorkers int   // workers at most; 0: all
	ReadAhead  int64 // batches decoded ahead; 0: as many as keep the workers busy

	Kept     colcache.Dataset   // columns that were decoded before; the zero value: none are kept
	Crop     []*convert.Program // what of decoded chunks is kept, of all their rows; nil: what the batches are made of
	Visitor  visitor            // gets the elements; nil: they are put into batches
	Reserved *Reservation       // what the request has reserved for large chunks; nil: none
	Sides    int                // scans side by side that share the memory, this one too; 0: none
}

// visitor gets the elements in the workers, instead of their being put into batches. Safe for concurrent use.
type visitor interface {
	// Visit uses what is wanted of a chunk's elements. fill: e is one element that stands for all.
	Visit(v Visit, e convert.Elems, fill bool) error
	// VisitKept is Visit for a batch whose rows are known as columns of the scan's program.
	VisitKept(f *Batch, columns arrow.Record) error
	// Past tells whether nothing of the scan is wanted from a place on.
	Past(place int64) bool
	// Keeps tells whether elements are kept beside the batches.
	Keeps() bool
}

// Over is the scan of all rows of another store of one axis, which are seq.
func (s *Scan) Over(other store.Store, seq rows.Sequence) *Scan {
	q := *s
	q.Store, q.Rows, q.Kept = other, seq, colcache.Dataset{}
	q.Geometry = rows.NewGeometry([]int64{seq.Len()}, other.Extents(), []rows.Axis{rows.WholeAxis(seq.Len())})
	return &q
}

// Values is a scan of rows of the same store by another program, once and in order.
func (s *Scan) Values(program *convert.Program, seq rows.Sequence) *Scan {
	q := &Scan{Engine: s.Engine, Dataset: s.Dataset, Store: s.Store, Geometry: s.Geometry, Program: program, Rows: seq, Aligned: true, Passes: rows.Once(), Reserved: s.Reserved, Kept: s.Kept}
	q.Size = q.BlockRows(DefaultBatch / q.RowBytes())
	return q
}

// Reading is Values in batches that leave most of the budget alone.
func (s *Scan) Reading(program *convert.Program, rows rows.Sequence) *Scan {
	q := s.Values(program, rows)
	q.Size = max(1, min(q.Size, s.Budget().Limit()/32/q.RowBytes()))
	return q
}

// Each uses the batches of a scan, each during the call, until use has enough.
func (s *Scan) Each(ctx context.Context, use func(f *Batch) (more bool)) error {
	r := s.Run(ctx, nil)
	defer r.Close()
	for {
		f, err := r.Next()
		if f == nil || err != nil {
			return err
		}
		if !use(f) {
			return nil
		}
	}
}

// RowBytes is about how many Arrow bytes a row takes, at least one.
func (s *Scan) RowBytes() int64 {
	const probe = 1024
	return max(1, s.Program.BatchBytes(probe)/probe)
}

// BatchBytes is how many bytes a batch of so many rows takes, 2^62 where it is more.
func (s *Scan) BatchBytes(n int64) int64 { return min(s.Program.BatchBytes(int(n)), rows.End62) }

// ChunkBytes is the bytes of a decoded chunk.
func (s *Scan) ChunkBytes() int64 {
	return rows.Product(s.Geometry.Chunk) * int64(s.Program.ElemSize())
}

// ChunkRows is the rows of a chunk.
func (s *Scan) ChunkRows() int64 { return s.Geometry.Chunk[s.Geometry.Rows] }

// BlockRows is about so many rows: whole chunks where they fit.
func (s *Scan) BlockRows(rows int64) int64 {
	rows = max(1, rows)
	if band := s.ChunkRows(); rows >= band {
		return rows / band * band
	}
	return rows
}

func (s *Scan) newBlocks() *rows.Blocks {
	b := rows.NewBlocks(s.Rows.Len(), s.Size, s.Passes)
	if first, ok := rows.FirstAscending(s.Rows); ok && s.Aligned {
		band := s.ChunkRows()
		if off := first % band; off != 0 && s.Size >= band {
			b.Align = band - off
		}
	}
	return b
}

func (s *Scan) mostWorkers() int {
	n := s.WorkerCount
	if s.Dataset.Distant { // whose workers are lent while they wait, as long as their chunks take little of the memory
		n = max(n, int(min(distantTasks, s.Budget().Limit()/8/max(s.taskBytes(), s.ChunkBytes()))))
	}
	if s.MaxWorkers > 0 {
		n = min(n, s.MaxWorkers)
	}
	if _, ok := s.Store.(store.Weighed); ok && s.Reserved != nil {
		n = min(n, s.Reserved.slots)
	}
	return n
}

// Check refuses blocks that cannot be held in memory, as far as the rows are known.
func (s *Scan) Check() error {
	if s.Passes.Mix && s.Size > maxMixed {
		return fault.New(fault.Exhausted, "stream.shuffle_rows in blocks of %d rows: at most %d are possible, choose smaller stream.block_rows", s.Size, maxMixed)
	}
	if s.Rows == nil {
		return nil
	}
	return s.newBlocks().Check()
}

// Known is how many rows its batches have, -1 where reading has to tell or there is no end.
func (s *Scan) Known() int64 {
	if s.Rows == nil {
		return -1
	}
	return s.newBlocks().Rows()
}

// Window is the number of blocks decoded ahead.
func (s *Scan) Window() int {
	if s.ReadAhead > 0 {
		return int(min(s.ReadAhead, maxGroups))
	}
	if s.Dataset.Distant {
		return s.mostWorkers() + 1
	}
	return 2*s.mostWorkers() + 1
}

// NewRows makes room for n rows of the scan's dataset, and more where more come.
func (s *Scan) NewRows(n int64, down bool) (*spill.Rows, error) {
	return spill.NewRows(s.Budget(), n, s.ChunkRows(), down)
}

// resolver finds what the elements only point at; nil where they point at nothing.
func (s *Scan) resolver(ctx context.Context) convert.Resolver {
	if !s.Program.NeedsResolver() {
		return nil
	}
	return s.Dataset.Resolver(ctx)
}

// ElementProgram is the program that takes elements as bytes.
func ElementProgram(size int) (*convert.Program, error) {
	raw := convert.Source{Name: "row", Type: &h5type.Type{Class: h5type.Opaque, Size: size}}
	return convert.Compile(raw, nil, convert.Options{})
}
