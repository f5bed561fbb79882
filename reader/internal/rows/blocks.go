package rows

import (
	"math/rand/v2"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// Of the protocol.
type (
	Remainder = protocol.Remainder
	Block     = protocol.Block
)

// The remainders.
const (
	KeepRemainder = protocol.KeepRemainder
	DropRemainder = protocol.DropRemainder
	OnlyRemainder = protocol.OnlyRemainder
)

// Batch is one batch of a run: rows lo up to lo+rows of the turns of the sequence, end to end.
type Batch struct {
	Block
	lo int64
}

// Blocks is the order of a run's batches: docs/protocol.md section 3. Pure state, no I/O.
type Blocks struct {
	Passes
	total int64 // rows of the result
	size  int64 // rows of a block

	next  int64 // number of the next block
	order []int64
	cycle int64 // of order

	Align int64 // rows up to the first boundary for batches without a promise; 0: none
}

// Passes says how often and in which order a run goes through its rows.
type Passes struct {
	Cycles int64 // turns; -1: endless
	Rest   Remainder
	Seed   *int64 // of the order of blocks; nil: as they are
	Mix    bool   // the rows of a block too
	First  int64  // number of the block to begin with
	Last   *int64 // number of the block before which to end; nil: none
}

// Once is the rows from the first to the last.
func Once() Passes { return Passes{Cycles: 1} }

// NewBlocks are the blocks of size rows each of a result of total rows.
func NewBlocks(total, size int64, p Passes) *Blocks {
	return &Blocks{total: total, size: size, Passes: p, next: p.First, cycle: -1}
}

// Rows is how many all blocks have from the next one on, -1 without an end. The number of blocks of a shuffle is bounded by
// Check.
func (b *Blocks) Rows() int64 {
	end, ok := b.end()
	last := End62
	switch {
	case b.Last != nil:
		last = *b.Last
	case !ok:
		return -1
	case b.Rest == OnlyRemainder:
		return end % b.size
	}
	return max(0, b.before(last)-b.before(b.next))
}

// before is how many rows the blocks before the n-th have.
func (b *Blocks) before(n int64) int64 {
	if b.Seed != nil {
		return b.beforeShuffled(n)
	}
	end, ok := b.end()
	if !ok {
		end = min(b.total, 1) * End62
	}
	if b.Rest == DropRemainder {
		end -= end % b.size
	}
	return min(end, Times(n, b.size))
}

func (b *Blocks) beforeShuffled(n int64) int64 {
	per := b.total / b.size * b.size // rows of a turn
	if b.Rest == KeepRemainder {
		per = b.total
	}
	turn := (per + b.size - 1) / b.size
	if turn == 0 {
		return 0
	}
	if b.Cycles >= 0 {
		n = min(n, Times(turn, b.Cycles))
	}
	return Times(n/turn, per) + n%turn*b.size
}

// Next is the next block, false at the end.
func (b *Blocks) Next() (Batch, bool) {
	if b.total == 0 || b.Last != nil && b.next >= *b.Last {
		return Batch{}, false
	}
	if b.Rest == OnlyRemainder {
		return b.remainder()
	}
	if b.Seed != nil {
		return b.shuffled()
	}
	if b.Align > 0 {
		return b.aligned()
	}
	return b.straight()
}

const (
	maxBlocks = 1 << 26 // that a shuffle may hold in memory
	maxTurns  = 1 << 20 // that a block may go through, some 40 bytes each
)

// Check refuses what would take too much memory beside the batches.
func (b *Blocks) Check() error {
	if n := b.total / b.size; b.Seed != nil && n > maxBlocks {
		return fault.New(fault.Exhausted, "a shuffle of %d blocks: at most %d are possible, choose larger stream.block_rows", n, maxBlocks)
	}
	turns := b.size / max(1, b.total)
	if b.Cycles >= 0 {
		turns = min(turns, b.Cycles)
	}
	if b.total > 0 && turns > maxTurns {
		return fault.New(fault.Exhausted, "blocks of %d rows go through all %d rows %d times: at most %d times are possible, choose smaller stream.block_rows", b.size, b.total, turns, maxTurns)
	}
	return nil
}

// end is the number of rows of all turns, false if there is no end or it is past counting.
func (b *Blocks) end() (int64, bool) {
	if b.Cycles < 0 || (b.Cycles > 0 && b.total > (1<<62)/b.Cycles) {
		return 0, false
	}
	return b.total * b.Cycles, true
}

func (b *Blocks) straight() (Batch, bool) {
	if b.next > (1<<62)/b.size {
		return Batch{}, false
	}
	lo, rows := b.next*b.size, b.size
	if end, ok := b.end(); ok {
		rows = min(rows, end-lo)
	}
	if rows <= 0 || (rows < b.size && b.Rest == DropRemainder) {
		return Batch{}, false
	}
	return b.take(lo, rows, lo/b.total), true
}

// aligned lets the first batch end at a chunk's boundary.
func (b *Blocks) aligned() (Batch, bool) {
	lo := int64(0)
	if b.next > 0 {
		lo = b.Align + (b.next-1)*b.size
	}
	hi := min(b.Align+b.next*b.size, b.total)
	if lo >= hi {
		return Batch{}, false
	}
	return b.take(lo, hi-lo, 0), true
}

func (b *Blocks) take(lo, rows, cycle int64) Batch {
	out := Batch{Block: Block{Block: b.next, Row: lo % b.total, Rows: rows, Cycle: cycle}, lo: lo}
	b.next++
	return out
}

// remainder is the rows past the last whole block, as one block of its number.
func (b *Blocks) remainder() (Batch, bool) {
	rows := b.total % b.size
	if b.next > 0 || rows == 0 {
		return Batch{}, false
	}
	out := b.take(b.total-rows, rows, 0)
	out.Block.Block = b.total / b.size
	return out, true
}

// shuffled gives each turn's blocks in a pseudo-random order of its own, a short one last.
func (b *Blocks) shuffled() (Batch, bool) {
	whole, rest := b.total/b.size, b.total%b.size
	turn := whole
	if rest > 0 && b.Rest == KeepRemainder {
		turn++
	}
	if turn == 0 || (b.Cycles >= 0 && b.next/turn >= b.Cycles) {
		return Batch{}, false
	}
	cycle, at := b.next/turn, b.next%turn
	lo, rows := whole*b.size, rest
	if at < whole {
		lo, rows = b.place(cycle, whole, at)*b.size, b.size
	}
	return b.take(lo, rows, cycle), true
}

// place is where the at-th block of a cycle lies among its whole blocks.
func (b *Blocks) place(cycle, whole, at int64) int64 {
	if cycle != b.cycle {
		b.cycle, b.order = cycle, permutation(uint64(*b.Seed), uint64(cycle), whole)
	}
	return b.order[at]
}

// permutation of 0..n-1, the same for the same seed and cycle on every machine.
func permutation(seed, cycle uint64, n int64) []int64 {
	r := rand.New(rand.NewPCG(seed, cycle))
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// Runs are the source rows of a block, which may go over the seam between two turns.
func (b *Blocks) Runs(s Sequence, at Batch) []Run {
	var out []Run
	for done := int64(0); done < at.Rows; {
		lo := (at.lo + done) % b.total
		n := min(at.Rows-done, b.total-lo)
		out = s.Runs(out, lo, lo+n, done)
		done += n
	}
	if b.Mix {
		return mixed(uint64(*b.Seed), at, out)
	}
	return out
}

// mixed gives the rows of a block in a pseudo-random order, the same for the same seed and block on every machine.
func mixed(seed uint64, at Batch, runs []Run) []Run {
	rows := List(Expand(make([]int64, 0, at.Rows), runs))
	r := rand.New(rand.NewPCG(seed, ^uint64(at.Block.Block))) // cycles take the numbers from 0 up
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows.Runs(nil, 0, rows.Len(), 0)
}
