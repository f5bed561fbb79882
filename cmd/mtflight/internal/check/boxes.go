package check

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/reader"
)

// box is a part of a dataset: a range of each axis, start and stop.
type box [][2]int64

// whole is all of a dataset. A scalar is one row.
func whole(d reader.Info) box {
	b := box{{0, max(int64(d.Rows), 0)}}
	for i := 1; i < len(d.Shape); i++ {
		b = append(b, [2]int64{0, d.Shape[i]})
	}
	return b
}

// request is that of a box's elements, as plain as they come.
func (b box) request(shape []int64) reader.Request {
	r := reader.Request{}
	r.Options.Strings, r.Options.Enum, r.Options.Time = "binary", "int", "numeric"
	rows := true // alone are cut
	for i := 1; i < len(b); i++ {
		rows = rows && b[i] == [2]int64{0, shape[i]}
	}
	if rows {
		r.Start, r.Stop = &b[0][0], &b[0][1]
		return r
	}
	var axes []string
	for _, a := range b {
		axes = append(axes, fmt.Sprintf("%d:%d", a[0], a[1]))
	}
	index := strings.Join(axes, ",")
	r.Select = &index
	return r
}

// chunkOf is where in the grid the box begins, and whether it is no more than one chunk.
func (b box) chunkOf(chunk []int64) (at []int64, single bool) {
	if len(chunk) != len(b) {
		return nil, false
	}
	single = true
	for i, a := range b {
		at = append(at, a[0]/chunk[i])
		single = single && (a[1]-1)/chunk[i] == a[0]/chunk[i]
	}
	return at, single
}

// halves cuts a box between chunks, along the axis that has most of them; within a chunk, between rows. None: it is one row.
func (b box) halves(chunk []int64) (halves []box) {
	axis, most := -1, int64(1)
	for i := range b {
		if len(chunk) != len(b) {
			break
		}
		if n := (b[i][1]-1)/chunk[i] - b[i][0]/chunk[i] + 1; n > most {
			axis, most = i, n
		}
	}
	if axis >= 0 {
		return b.cut(axis, (b[axis][0]/chunk[axis]+most/2)*chunk[axis])
	}
	if n := b[0][1] - b[0][0]; n > 1 {
		return b.cut(0, b[0][0]+n/2)
	}
	return nil
}

func (b box) cut(axis int, at int64) []box {
	low, high := slices.Clone(b), slices.Clone(b)
	low[axis][1], high[axis][0] = at, at
	return []box{low, high}
}

// bandBytes is about how much is read at once where nothing is damaged.
const bandBytes = 64 << 20

// bands are ranges of rows that hold all elements of a dataset without chunks.
func bands(d reader.Info) iter.Seq[box] {
	all := whole(d)
	per := max(bandBytes/rowBytes(d), 1)
	return func(yield func(box) bool) {
		for from, n := int64(0), all[0][1]; from < n; from += min(per, n-from) {
			if !yield(all.rows(from, min(per, n-from))) {
				return
			}
		}
	}
}

// stored are boxes that hold the chunks of these numbers, ascending: bands of rows or, where a row of chunks is large, each chunk.
func stored(d reader.Info, chunks iter.Seq[uint64]) iter.Seq[box] {
	all := whole(d)
	if rowBytes(d) > bandBytes/d.Chunks[0] {
		return func(yield func(box) bool) {
			for number := range chunks {
				if !yield(all.chunk(d.Chunks, number)) {
					return
				}
			}
		}
	}
	per := bandBytes / rowBytes(d) / d.Chunks[0] * d.Chunks[0]
	return func(yield func(box) bool) {
		next := int64(0)
		for number := range chunks {
			from := all.chunk(d.Chunks, number)[0][0]
			if from < next {
				continue // it is in the band before
			}
			next = from + min(per, all[0][1]-from)
			if !yield(all.rows(from, next-from)) {
				return
			}
		}
	}
}

// rowBytes is about how long a row is.
func rowBytes(d reader.Info) int64 {
	if d.Bytes <= 0 || d.Rows <= 0 {
		return 1
	}
	return max(int64(d.Bytes)/int64(d.Rows), 1)
}

// rows are n of them, from one on.
func (b box) rows(from, n int64) box {
	part := slices.Clone(b)
	part[0] = [2]int64{from, from + n}
	return part
}

// chunk is that of a row-major number in the grid, as far as it is inside.
func (b box) chunk(extents []int64, number uint64) box {
	part := slices.Clone(b)
	for i := len(b) - 1; i >= 0; i-- {
		n := uint64((b[i][1] + extents[i] - 1) / extents[i])
		at := int64(number % n)
		number /= n
		part[i] = [2]int64{at * extents[i], min((at+1)*extents[i], b[i][1])}
	}
	return part
}
