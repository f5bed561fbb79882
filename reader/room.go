package reader

import "runtime"

// groupBytes is how many bytes of batches are filled together for the sake of chunks they share. Large chunks stay for the
// next group, if there is room.
func (p *Plan) groupBytes() int64 {
	least := int64(4 << 20)
	if p.claim == nil || !p.claim.whole {
		least = max(least, times(p.geo.chunk[p.geo.rows], p.rowBytes()))
	}
	return min(least, p.sharedBytes())
}

// sharedBytes is how many bytes of batches may be filled together at most.
func (p *Plan) sharedBytes() int64 {
	if p.claim != nil {
		return p.claim.group / int64(max(1, p.sides))
	}
	return p.budget().Limit() / 4
}

// fillBytes is what a batch takes while it is filled, that of a condition with the rows that may be taken along: beside large
// chunks there is no room that was not reserved.
func (p *Plan) fillBytes(rows int64) int64 {
	if p.claim != nil && p.probe != nil && p.probe.whole != nil {
		return p.batchBytes(rows) + times(rows, int64(p.program.ElemSize()))
	}
	return p.batchBytes(rows)
}

// scratchBytes is what the workers need to read the chunks of a group, beside what is held.
func (p *Plan) scratchBytes(jobs int) int64 {
	per := p.perTask()
	tasks := (jobs + per - 1) / per
	n := int64(min(tasks, p.workers(), runtime.GOMAXPROCS(0)))
	need := p.store.need(p.chunkBytes()*int64(min(per, jobs)), p.held())
	return n * (need + need/4)
}

// packedBytes is what of a group's rows is read before it is taken apart, of large chunks that lie in the file as they are.
func (p *Plan) packedBytes(fills []*fill, jobs int) int64 {
	s, ok := p.store.(heavier)
	if !ok || p.claim == nil || !s.heaviest().bare {
		return 0
	}
	rows := int64(0)
	for _, f := range fills {
		rows += f.Rows
	}
	return min(times(rows, p.chunkBytes()/p.geo.chunk[p.geo.rows]), times(int64(jobs), p.chunkBytes()/2))
}
