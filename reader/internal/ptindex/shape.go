package ptindex

import (
	"github.com/mtflight/mtflight/internal/fault"
)

// Shape is the measures of an index: attributes of its group and extents of its arrays, all in elements.
type Shape struct {
	Class     Class
	Block     int64 // attribute blocksize: whole slices
	Slice     int64 // attribute slicesize
	Chunk     int64 // attribute chunksize
	Reduction int64 // attribute reduction: of the values every so many-th is kept
	IndexSize int   // bytes of an element of indices: 1 ultralight, 2 light, 4 medium, 8 full
	Slices    int64 // whole slices: rows of sorted
	Last      int64 // values of the last, unfinished slice: attribute nelements of indicesLR
	LastKeys  int64 // kept ones of them: attribute nelements of sortedLR

	TableChunk int64 // rows of a chunk of the table: decides the buckets
	TableRows  int64
}

const most = int64(1) << 48 // elements of any measure

// Check refuses measures that contradict each other.
func (s Shape) Check() error {
	for _, n := range []int64{s.Block, s.Slice, s.Chunk, s.Reduction, s.TableChunk} {
		if n < 1 || n > most {
			return fault.New(fault.DataLoss, "ptindex: measures of an index: %d of %+v", n, s)
		}
	}
	switch s.IndexSize {
	case 1, 2, 4, 8:
	default:
		return fault.New(fault.DataLoss, "ptindex: indices of %d bytes", s.IndexSize)
	}
	if s.Slice%s.Reduction != 0 || s.Chunk < s.Reduction || s.Chunk > s.Slice || s.Block < s.Slice || s.IndexSize == 2 && s.Block%s.Slice != 0 {
		return fault.New(fault.DataLoss, "ptindex: measures of an index contradict each other: %+v", s)
	}
	if s.Slices < 0 || s.Slices > most/s.Slice || s.Last < 0 || s.Last > s.Slice || s.TableRows < 0 || s.TableRows > most {
		return fault.New(fault.DataLoss, "ptindex: extents of an index: %+v", s)
	}
	if s.LastKeys != (s.Last+s.Reduction-1)/s.Reduction {
		return fault.New(fault.DataLoss, "ptindex: %d kept of the last %d values, reduction %d", s.LastKeys, s.Last, s.Reduction)
	}
	if s.IndexSize == 8 && s.Reduction != 1 {
		return fault.New(fault.DataLoss, "ptindex: a full index with a reduction of %d", s.Reduction)
	}
	if s.Indexed() > s.TableRows {
		return fault.New(fault.DataLoss, "ptindex: an index of %d rows for a table of %d", s.Indexed(), s.TableRows)
	}
	return nil
}

// Indexed is how many of the table's rows are indexed: the first.
func (s Shape) Indexed() int64 { return s.Slices*s.Slice + s.Last }

// Parts is the number of slices, the unfinished one included.
func (s Shape) Parts() int64 {
	if s.Last > 0 {
		return s.Slices + 1
	}
	return s.Slices
}

// values is the number of values of a part.
func (s Shape) values(part int64) int64 {
	if part < s.Slices {
		return s.Slice
	}
	return s.Last
}

// Keys is the number of values of a part that are kept.
func (s Shape) Keys(part int64) int64 {
	if part < s.Slices {
		return s.Slice / s.Reduction
	}
	return s.LastKeys
}

// keyChunk is the number of kept values between two bounds.
func (s Shape) keyChunk() int64 { return s.Chunk / s.Reduction }

// Bounds is the number of second-level bounds of a part: one for each of its chunks but the first.
func (s Shape) Bounds(part int64) int64 {
	return max(0, (s.Keys(part)-1)/s.keyChunk())
}

// Bucket is the number of rows that one element of indices stands for (Index.lbucket).
func (s Shape) Bucket() int64 {
	b, whole := min(s.TableChunk, s.Chunk), int64(0)
	switch s.IndexSize {
	case 8:
		return 1
	case 1:
		whole = s.Slice
	case 2:
		whole = s.Block
	}
	if numbers := int64(1) << (8 * s.IndexSize); s.IndexSize < 4 && whole > numbers*b {
		b = (whole + numbers - 1) / numbers
	}
	return b
}

// loose reports that an element may mean one of two buckets: see marks.
func (s Shape) loose() bool {
	bucket := s.Bucket()
	return s.IndexSize == 2 && (s.Block%bucket != 0 || s.Slice%bucket != 0) || s.IndexSize == 1 && s.Slice > 255*bucket
}

// each is the most rows that an element of indices stands for.
func (s Shape) each() int64 {
	if s.loose() {
		return 2 * s.Bucket()
	}
	return s.Bucket()
}

// marks calls use with each bucket that an element v of indices in a part may mean.
//
// Light indexes count buckets from the start of a block, ultralight ones from that of a slice. Where those starts are
// no multiples of a bucket the sum of the rounded parts may be one short, and a byte may have run over.
func (s Shape) marks(part int64, v uint64, use func(bucket int64)) {
	bucket, n := s.Bucket(), int64(v)
	switch s.IndexSize {
	case 2:
		slices := s.Block / s.Slice
		use(part/slices*s.Block/bucket + n)
		if s.loose() {
			use(part/slices*s.Block/bucket + n + 1)
		}
	case 1:
		first := part * s.Slice / bucket
		use(first + n)
		if last := ((part+1)*s.Slice - 1) / bucket; first+n+256 <= last {
			use(first + n + 256)
		}
	default:
		use(n)
	}
}
