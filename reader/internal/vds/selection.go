package vds

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	maxRank   = 32               // H5S_MAX_RANK
	limit     = 1 << 62          // of coordinates
	unlimited = int64(1<<63 - 1) // a count or block without end
)

// kind is the type of a selection, with H5S_sel_type's numbers.
type kind uint8

const (
	selectNone   kind = 0
	selectPoints kind = 1
	selectSlabs  kind = 2
	selectAll    kind = 3
)

// Selection is elements of a dataspace whose extents are not known yet.
type Selection struct {
	kind kind
	rank int    // 0: that of the dataspace
	axes []axis // a regular hyperslab
	// Or points, or blocks of an irregular hyperslab: the first element's coordinates, then the last one's.
	corners []int64
}

// axis is the coordinates of a regular hyperslab along one axis: n of them, in blocks that are stride apart.
type axis struct {
	start, stride, block, n int64 // n or block may be unlimited
}

// at is the j-th coordinate.
func (a axis) at(j int64) int64 { return a.start + j/a.block*a.stride + j%a.block }

// before counts the coordinates selected that are less than x.
func (a axis) before(x int64) int64 {
	if x <= a.start {
		return 0
	}
	x -= a.start
	return min(a.n, x/a.stride*a.block+min(x%a.stride, a.block))
}

// selection decodes a serialized dataspace selection (VIII.A).
func (c *cursor) selection() (Selection, error) {
	s := Selection{}
	typ, version := c.u32(), c.u32()
	if typ > 3 || version < 1 || version > 3 {
		return s, fault.New(fault.Unsupported, "vds: parse selection: type %d, version %d", typ, version)
	}
	s.kind = kind(typ)
	switch s.kind {
	case selectPoints:
		return c.points(version)
	case selectSlabs:
		return c.hyperslabs(version)
	}
	c.bytes(8)
	return s, nil
}

// points decodes versions 1 and 2, whose numbers have four or a stated number of bytes.
func (c *cursor) points(version uint32) (Selection, error) {
	width := 4
	if version == 1 {
		c.bytes(8)
	} else {
		width = int(c.uint(1))
	}
	s := Selection{kind: selectPoints}
	if err := c.head(&s, width); err != nil {
		return s, err
	}
	return s, c.list(&s, width, 1)
}

// head decodes the rank.
func (c *cursor) head(s *Selection, width int) error {
	rank := c.u32()
	if width != 2 && width != 4 && width != 8 || rank == 0 || rank > maxRank {
		return fault.New(fault.DataLoss, "vds: parse selection: rank %d, numbers of %d bytes", rank, width)
	}
	s.rank = int(rank)
	return nil
}

// hyperslabs decodes versions 1, a list of blocks, 2, regular ones, and 3, which may be either.
func (c *cursor) hyperslabs(version uint32) (Selection, error) {
	s := Selection{kind: selectSlabs}
	width, flags := 4, uint64(0)
	switch version {
	case 1:
		c.bytes(8)
	case 2:
		flags, width = c.uint(1), 8
		c.bytes(4)
	case 3:
		flags = c.uint(1)
		width = int(c.uint(1))
	}
	if err := c.head(&s, width); err != nil {
		return s, err
	}
	if flags > 1 {
		return s, fault.New(fault.Unsupported, "vds: parse selection: flags %#x", flags)
	}
	if flags == 0 {
		return s, c.list(&s, width, 2)
	}
	for range s.rank {
		a, err := c.regular(width)
		if err != nil {
			return s, err
		}
		s.axes = append(s.axes, a)
	}
	return s, s.single()
}

// list decodes points, or blocks with two corners each.
func (c *cursor) list(s *Selection, width, corners int) error {
	n := c.uint(width)
	if n > uint64(len(c.b))/uint64(corners*s.rank*width) {
		c.short = true
		return nil
	}
	s.corners = make([]int64, int(n)*corners*s.rank)
	for i := range s.corners {
		v, err := c.coordinate(width)
		if err != nil {
			return err
		}
		if v == unlimited {
			return fault.New(fault.DataLoss, "vds: parse selection: a coordinate has no end")
		}
		s.corners[i] = v
	}
	if corners == 1 {
		return nil
	}
	if err := s.ordered(); err != nil {
		return err
	}
	if axes, ok := s.regular(); ok {
		s.axes, s.corners = axes, nil
	}
	return nil
}

func (s Selection) ordered() error {
	for i := 0; i < len(s.corners); i += 2 * s.rank {
		for k := i; k < i+s.rank; k++ {
			if s.corners[k] > s.corners[k+s.rank] {
				return fault.New(fault.DataLoss, "vds: parse selection: a block from %d to %d", s.corners[k], s.corners[k+s.rank])
			}
		}
	}
	return nil
}

// regular decodes an axis: start, stride, count and size of blocks.
func (c *cursor) regular(width int) (a axis, err error) {
	var v [4]int64
	for i := range v {
		if v[i], err = c.coordinate(width); err != nil {
			return a, err
		}
	}
	start, stride, count, block := v[0], v[1], v[2], v[3]
	if count == 1 {
		stride = block
	}
	a = axis{start: start, stride: stride, block: block, n: unlimited}
	switch {
	case start == unlimited || stride == unlimited && block != unlimited || count == unlimited && block == unlimited:
		err = fault.New(fault.DataLoss, "vds: parse selection: start %d, stride %d, count %d, block %d", start, stride, count, block)
	case count == 0 || block == 0:
		a = axis{start: start, stride: 1, block: 1}
	case stride < block:
		err = fault.New(fault.DataLoss, "vds: parse selection: blocks of %d every %d", block, stride)
	case count != unlimited && block != unlimited:
		a.n, err = extent(start, stride, count, block)
	}
	return a, err
}

// extent is the number of coordinates of count blocks, the last of which ends below the limit.
func extent(start, stride, count, block int64) (int64, error) {
	hi, lo := bits.Mul64(uint64(stride), uint64(count-1))
	if hi != 0 || lo >= limit || lo+uint64(start)+uint64(block) >= limit {
		return 0, fault.New(fault.DataLoss, "vds: parse selection: %d blocks every %d from %d on", count, stride, start)
	}
	return count * block, nil // blocks don't overlap: no more than the last coordinate
}

// single refuses more than one axis without end.
func (s Selection) single() error {
	n := 0
	for _, a := range s.axes {
		if a.n == unlimited {
			n++
		}
	}
	if n > 1 {
		return fault.New(fault.DataLoss, "vds: parse selection: %d axes without end", n)
	}
	return nil
}

// Unlimited is the axis along which the selection has no end, -1 if it has one.
func (s Selection) Unlimited() int {
	for i, a := range s.axes {
		if a.n == unlimited {
			return i
		}
	}
	return -1
}

// Slices counts the coordinates selected along the unlimited axis in a dataspace of this extent there.
func (s Selection) Slices(extent int64) int64 { return s.axes[s.Unlimited()].before(extent) }

// Extent is what the unlimited axis must have for n slices, which can be more than 2^62: then it is -1.
func (s Selection) Extent(n int64) int64 {
	if n == 0 {
		return 0
	}
	a := s.axes[s.Unlimited()]
	hi, lo := bits.Mul64(uint64((n-1)/a.block), uint64(a.stride))
	if hi != 0 || lo >= limit || n >= limit {
		return -1
	}
	if end := a.at(n-1) + 1; end < limit {
		return end
	}
	return -1
}

// Clip is the selection with n coordinates along the unlimited axis.
func (s Selection) Clip(n int64) Selection {
	i := s.Unlimited()
	s.axes = append([]axis(nil), s.axes...)
	if s.axes[i].n = n; s.axes[i].block == unlimited {
		s.axes[i].block, s.axes[i].stride = max(n, 1), max(n, 1)
	}
	return s
}

// Blocks are the blocks along the unlimited axis that have coordinates from lo up to hi.
func (s Selection) Blocks(lo, hi int64) (first, end int64) {
	a := s.axes[s.Unlimited()]
	first, end = a.before(lo)/a.block, 0
	if n := a.before(hi); n > 0 {
		end = (n-1)/a.block + 1
	}
	return first, end
}

// BlockSlices counts the coordinates of a block along the unlimited axis.
func (s Selection) BlockSlices() int64 { return s.axes[s.Unlimited()].block }

// Block is one block of the selection along the unlimited axis.
func (s Selection) Block(b int64) Selection {
	i := s.Unlimited()
	s.axes = append([]axis(nil), s.axes...)
	a := s.axes[i]
	s.axes[i] = axis{start: a.at(b * a.block), stride: a.block, block: a.block, n: a.block}
	return s
}

// expand puts a number where a name has %b and a percent sign where it has two.
func expand(name string, block int64) string {
	if !strings.Contains(name, "%") {
		return name
	}
	return strings.NewReplacer("%%", "%", "%b", strconv.FormatInt(block, 10)).Replace(name)
}
