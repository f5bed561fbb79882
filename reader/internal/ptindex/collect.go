package ptindex

import (
	"context"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// collector gathers what elements of indices mean.
type collector struct {
	index   *Index
	single  []int64 // rows, of a full index
	buckets []bool
}

// readAtOnce bounds the elements of indices in memory.
const readAtOnce = 1 << 18

// part adds places first to last of a part.
func (c *collector) part(ctx context.Context, part, first, last int64) error {
	for at := first; at < last; at += readAtOnce {
		idx, err := c.index.arrays.Indices(ctx, part, at, min(at+readAtOnce, last))
		if err != nil {
			return err
		}
		for _, v := range idx {
			if err := c.add(part, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes one element of indices.
func (c *collector) add(part int64, v uint64) error {
	x := c.index
	if v >= uint64(x.Indexed()) {
		return fault.New(fault.DataLoss, "ptindex: element %d of indices: the index has %d rows", v, x.Indexed())
	}
	if x.IndexSize == 8 {
		c.single = append(c.single, int64(v))
		return nil
	}
	if c.buckets == nil {
		b := x.Bucket()
		c.buckets = make([]bool, (x.Indexed()+b-1)/b)
	}
	x.marks(part, v, func(bucket int64) {
		if bucket < int64(len(c.buckets)) {
			c.buckets[bucket] = true
		}
	})
	return nil
}

// rows is everything collected and the rows behind the index.
func (c *collector) rows() []int64 {
	x := c.index
	out := c.single
	slices.Sort(out)
	out = slices.Compact(out)
	b := x.Bucket()
	for i, on := range c.buckets {
		for r := int64(i) * b; on && r < min(int64(i+1)*b, x.Indexed()); r++ {
			out = append(out, r)
		}
	}
	for r := x.Indexed(); r < x.TableRows; r++ {
		out = append(out, r)
	}
	if out == nil {
		return []int64{}
	}
	return out
}
