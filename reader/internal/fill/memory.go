package fill

import (
	"runtime"

	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// GroupBytes is how many bytes of batches are filled together for the sake of chunks they share. Large chunks stay for the
// next group, if there is room.
func (s *Scan) GroupBytes() int64 {
	least := int64(4 << 20)
	if s.Reserved == nil || !s.Reserved.whole {
		least = max(least, rows.Times(s.ChunkRows(), s.RowBytes()))
	}
	return min(least, s.sharedBytes())
}

// sharedBytes is how many bytes of batches may be filled together at most.
func (s *Scan) sharedBytes() int64 {
	if s.Reserved != nil {
		return s.Reserved.group / int64(max(1, s.Sides))
	}
	return s.Budget().Limit() / 4 / int64(max(1, s.Sides))
}

// fillBytes is what a batch takes while it is filled, that of a condition with the elements that it may keep: beside large
// chunks there is no room that was not reserved.
func (s *Scan) fillBytes(size int64) int64 {
	if s.Reserved != nil && s.Visitor != nil && s.Visitor.Keeps() {
		return s.BatchBytes(size) + rows.Times(size, int64(s.Program.ElemSize()))
	}
	return s.BatchBytes(size)
}

// ScratchBytes is what the workers need to read the chunks of a group, beside what is pinned.
func (s *Scan) ScratchBytes(jobs int) int64 {
	per := s.perTask()
	tasks := (jobs + per - 1) / per
	n := int64(min(tasks, s.mostWorkers()))
	if !s.Dataset.Distant {
		n = min(n, int64(runtime.GOMAXPROCS(0)))
	}
	need := s.Store.Need(s.ChunkBytes()*int64(min(per, jobs)), s.pins())
	return n * (need + need/4)
}

// packedBytes is what of a group's rows is read before it is taken apart, of large chunks that lie in the file verbatim.
func (s *Scan) packedBytes(fills []*Batch, jobs int) int64 {
	h, ok := s.Store.(store.Weighed)
	if !ok || s.Reserved == nil || !h.Heaviest().Verbatim {
		return 0
	}
	total := int64(0)
	for _, f := range fills {
		total += f.Rows
	}
	return min(rows.Times(total, s.ChunkBytes()/s.ChunkRows()), rows.Times(int64(jobs), s.ChunkBytes()/2))
}
