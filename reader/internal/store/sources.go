package store

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/version"
)

// contiguous is a dataset in one piece.
type contiguous struct {
	file     *blockio.File
	addr     uint64
	elemSize int64
}

// NewContiguous is a dataset in one piece, from an address of the file on.
func NewContiguous(file *blockio.File, addr uint64, elemSize int64) Source {
	return &contiguous{file: file, addr: addr, elemSize: elemSize}
}

func (c *contiguous) read(ctx context.Context, first, _ int64, dst []byte) error {
	if err := c.file.Read(ctx, dst, c.addr+uint64(first*c.elemSize)); err != nil {
		return c.failed(err)
	}
	return nil
}

func (c *contiguous) failed(err error) error {
	if k := fault.Of(err); k != nil {
		return fault.New(k, "contiguous data at address %d: %w", c.addr, err)
	}
	return err
}

// segment is a piece of an external raw file; from is its first byte's place in the dataset.
type segment struct {
	file *blockio.File
	kept *version.Version
	name string
	from int64
	off  uint64
	n    int64
}

// end is where the next segment begins.
func (e *external) end() int64 {
	if len(e.segments) == 0 {
		return 0
	}
	last := e.segments[len(e.segments)-1]
	return last.from + last.n
}

// external is a dataset in raw files beside the HDF5 file. libhdf5 reads zeros past a raw file's end.
type external struct {
	segments []segment
	elemSize int64
}

// NewExternal is need bytes in the raw files that a header lists, which open opens. Errors: fault.DataLoss where they hold less.
func NewExternal(files []chunkindex.ExternalFile, need, elemSize int64, open func(name string) (*blockio.File, error)) (Source, error) {
	e := &external{elemSize: elemSize}
	for _, x := range files {
		f, err := open(x.Name)
		if err != nil {
			return nil, err
		}
		n := need - min(need, e.end())
		if x.Size != h5file.Unlimited && x.Size < uint64(n) {
			n = int64(x.Size)
		}
		kept := version.New(f, "")
		kept.Note()
		e.segments = append(e.segments, segment{file: f, kept: kept, name: spell.Escape(x.Name), from: e.end(), off: x.Offset, n: n})
	}
	if e.end() < need {
		return nil, fault.New(fault.DataLoss, "external files hold %d bytes, the extent needs %d", e.end(), need)
	}
	return e, nil
}

func (e *external) read(ctx context.Context, first, _ int64, dst []byte) error {
	clear(dst)
	lo := first * e.elemSize
	hi := lo + int64(len(dst))
	for _, s := range e.segments {
		a, b := max(lo, s.from), min(hi, s.from+s.n)
		size := uint64(s.file.Identity().Size)
		b = min(b, s.from+int64(size-min(s.off, size)))
		if a >= b {
			continue
		}
		if err := s.file.Read(ctx, dst[a-lo:b-lo], s.off+uint64(a-s.from)); err != nil {
			return fault.New(fault.DataLoss, "external file %s: %w", s.name, err)
		}
		if !s.kept.Holds() {
			return fault.New(fault.Changed, "external file %s changed while it was read: ask again", s.name)
		}
	}
	return nil
}

// slab reads through libhdf5, one band at a time: layouts not understood here.
type slab struct {
	helper SlabReader
	file   h5proc.File
	name   string
	shape  []int64
	chunk  int64 // bytes of a chunk, or of an element
	scalar bool  // its hyperslabs have no axes
}

// SlabReader is libhdf5, which reads hyperslabs: h5proc's pools.
type SlabReader interface {
	ReadSlab(ctx context.Context, f h5proc.File, name string, start, count []uint64, dst []byte) error
}

// NewSlab is a dataset at a path that libhdf5 reads, in chunks of so many bytes.
func NewSlab(helper SlabReader, file h5proc.File, path string, shape []int64, chunk int64, scalar bool) Source {
	return &slab{helper: helper, file: file, name: path, shape: shape, chunk: chunk, scalar: scalar}
}

// lent is what a witness takes to read n bytes: itself, these, and a chunk as it is stored and decoded.
func (s *slab) lent(n int64) int64 { return h5proc.WitnessBytes + n + rows.Times(2, s.chunk) }

// read asks for the elements as boxes: whole rows of the axis they begin and end on.
func (s *slab) read(ctx context.Context, first, n int64, dst []byte) error {
	start, count := s.box(first, n)
	if s.scalar {
		start, count = nil, nil
	}
	return s.helper.ReadSlab(ctx, s.file, s.name, start, count, dst)
}

// box is the hyperslab of n elements from first on; bands begin and end at the edges of one.
func (s *slab) box(first, n int64) (start, count []uint64) {
	k := len(s.shape)
	start, count = make([]uint64, k), make([]uint64, k)
	rest := n
	for i := k - 1; i >= 0; i-- {
		start[i] = uint64(first % s.shape[i])
		first /= s.shape[i]
		count[i] = uint64(min(rest, s.shape[i]))
		rest = (rest + s.shape[i] - 1) / s.shape[i]
	}
	return start, count
}
