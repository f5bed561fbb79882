package reader

import "runtime"

// groupBytes is how many bytes of batches are filled together for the sake of chunks they share. Large chunks stay for the
// next group, if there is room.
func (s *scan) groupBytes() int64 {
	least := int64(4 << 20)
	if s.claim == nil || !s.claim.whole {
		least = max(least, times(s.chunkRows(), s.rowBytes()))
	}
	return min(least, s.sharedBytes())
}

// sharedBytes is how many bytes of batches may be filled together at most.
func (s *scan) sharedBytes() int64 {
	if s.claim != nil {
		return s.claim.group / int64(max(1, s.sides))
	}
	return s.budget().Limit() / 4
}

// fillBytes is what a batch takes while it is filled, that of a condition with the rows that may be taken along: beside large
// chunks there is no room that was not reserved.
func (s *scan) fillBytes(size int64) int64 {
	if s.claim != nil && s.visitor != nil && s.visitor.keeps() {
		return s.batchBytes(size) + times(size, int64(s.program.ElemSize()))
	}
	return s.batchBytes(size)
}

// scratchBytes is what the workers need to read the chunks of a group, beside what is held.
func (s *scan) scratchBytes(jobs int) int64 {
	per := s.perTask()
	tasks := (jobs + per - 1) / per
	n := int64(min(tasks, s.mostWorkers(), runtime.GOMAXPROCS(0)))
	need := s.store.need(s.chunkBytes()*int64(min(per, jobs)), s.pinned())
	return n * (need + need/4)
}

// packedBytes is what of a group's rows is read before it is taken apart, of large chunks that lie in the file as they are.
func (s *scan) packedBytes(fills []*fill, jobs int) int64 {
	h, ok := s.store.(heavier)
	if !ok || s.claim == nil || !h.heaviest().bare {
		return 0
	}
	total := int64(0)
	for _, f := range fills {
		total += f.Rows
	}
	return min(times(total, s.chunkBytes()/s.chunkRows()), times(int64(jobs), s.chunkBytes()/2))
}
