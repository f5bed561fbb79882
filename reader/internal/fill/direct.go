package fill

import (
	"context"
	"errors"

	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// directBytes is the least a read into a batch should fetch on average; otherwise chunks are better read whole.
const directBytes = 16 << 10

// distantDirect is of how many bytes chunks are that are asked for one by one over a network.
const distantDirect = 1 << 20

// piecewise reads from what lies in the file verbatim only what is needed, or right into the batches, and gives the other
// jobs. A chunk is asked for only where that pays, since finding out how it lies may take reading.
func (g *group) piecewise(ctx context.Context, jobs []job) (rest []job, err error) {
	store, ok := g.scan.Store.(store.Located)
	if !ok {
		return jobs, nil
	}
	var few []packed
	for _, j := range jobs {
		spot, may := store.MayBeVerbatim(j.at)
		if !may {
			rest = append(rest, j)
			continue
		}
		p, direct := packed{job: j}, g.worthwhile(j)
		if !direct {
			p.needs = g.needs(j)
		}
		if direct || p.needs != nil {
			p.read, err = store.Locate(spot)
		}
		switch {
		case p.read == nil:
			rest = append(rest, j)
		case direct:
			err = g.fetch(ctx, j, p.read)
		default:
			few = append(few, p)
		}
		if err != nil {
			return nil, err
		}
	}
	return rest, g.pack(ctx, few)
}

// worthwhile tells whether a chunk's part goes to the batches as it is, in stretches long enough, in file and batch, to
// be read one by one.
func (g *group) worthwhile(j job) bool {
	if g.scan.Visitor != nil || !g.scan.Program.Direct() {
		return false
	}
	if g.scan.Dataset.Distant && g.scan.ChunkBytes() < distantDirect { // neighbours come as one range
		return false
	}
	bytes, stretches, plain := int64(0), int64(0), true
	size := int64(g.scan.Program.ElemSize())
	_ = g.stretches(j, func(_ *Batch, _, _, dstStep, srcStep, n int64) error {
		bytes, stretches = bytes+n*size, stretches+1
		plain = plain && dstStep == 1 && srcStep == 1
		return nil
	})
	return plain && (bytes >= stretches*directBytes || stretches*directBytes*2 <= g.scan.ChunkBytes())
}

func (g *group) fetch(ctx context.Context, j job, read store.ReadPart) error {
	size := int64(g.scan.Program.ElemSize())
	return g.stretches(j, func(f *Batch, dst, src, _, _, n int64) error {
		return read(ctx, f.columns.Direct(int(dst), int(n)), src*size)
	})
}

var errScattered = errors.New("not side by side")

// place gives the bytes of a batch that a job's whole chunk fills, element by element; nil if it goes to several places.
func (g *group) place(j job) []byte {
	var batch *Batch
	var start, done int64
	err := g.stretches(j, func(f *Batch, dst, src, dstStep, srcStep, n int64) error {
		if batch == nil {
			batch, start = f, dst
		}
		if f != batch || dst != start+done || src != done || n > 1 && (dstStep != 1 || srcStep != 1) {
			return errScattered
		}
		done += n
		return nil
	})
	if err != nil || batch == nil || done != rows.Product(g.scan.Geometry.Chunk) {
		return nil
	}
	return batch.columns.Direct(int(start), int(done))
}

// stretches calls use for every stretch of elements that goes from a chunk to a batch.
func (g *group) stretches(j job, use func(f *Batch, dst, src, dstStep, srcStep, n int64) error) error {
	parts := append([][]rows.Run(nil), j.parts...)
	for _, t := range j.targets {
		parts[g.scan.Geometry.Rows] = t.Runs
		if err := g.scan.Geometry.Walk(parts, func(dst, src, dstStep, srcStep, n int64) error {
			return use(g.batches[t.Batch], dst, src, dstStep, srcStep, n)
		}); err != nil {
			return err
		}
	}
	return nil
}
