package reader

import (
	"context"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
)

// kept is the rows that match a condition as they lie in the file, taken along in memory while the condition's columns
// were read. It is the sequence of those rows and the store that a plan reads them from: no chunk is decoded again.
type kept struct {
	span
	size int64 // bytes of an element
	band int64 // rows of a segment, but for the last
	skip int64 // rows that are to come first and belong to nobody

	mem      *bufpool.Memory
	room     int64 // bytes it may still take
	leases   []*bufpool.Lease
	segments [][]byte
}

const keptBand = 256 << 10 // bytes

// newKept may take a quarter of the budget. It leaves the first rows that come out.
func newKept(mem *bufpool.Memory, size, skip int64) *kept {
	return &kept{span: span{step: 1}, size: size, band: max(1, keptBand/size), skip: skip, mem: mem, room: mem.Budget.Limit() / 4}
}

// add appends rows; false if there is no room for them.
func (k *kept) add(rows []byte) bool {
	gone := min(k.skip, int64(len(rows))/k.size)
	k.skip, rows = k.skip-gone, rows[gone*k.size:]
	for len(rows) > 0 {
		used := k.n % k.band * k.size
		if used == 0 && !k.grow() {
			return false
		}
		n := copy(k.segments[len(k.segments)-1][used:], rows)
		rows = rows[n:]
		k.n += int64(n) / k.size
	}
	return true
}

func (k *kept) grow() bool {
	n := k.band * k.size
	if k.room < n {
		return false
	}
	l := k.mem.TryLease(n)
	if l == nil {
		return false
	}
	k.room -= n
	k.leases = append(k.leases, l)
	k.segments = append(k.segments, l.Allocate(int(n)))
	return true
}

func (k *kept) close() {
	for i, l := range k.leases {
		l.Free(k.segments[i])
		l.Close()
	}
	k.leases, k.segments = nil, nil
}

func (k *kept) extents() []int64 { return []int64{k.band} }

func (k *kept) need(int64, *held) int64 { return 0 }

func (k *kept) load(_ context.Context, _ *scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	for i, at := range chunks {
		n := min(k.band, k.n-at[0]*k.band)
		if err := use(i, convert.Elems{Data: k.segments[at[0]][:n*k.size], N: int(n), Size: int(k.size)}, false); err != nil {
			return err
		}
	}
	return nil
}
