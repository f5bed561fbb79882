package spill

import (
	"context"
	"encoding/binary"
	"os"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// Elements are those of rows that were read once, in the order of a result: the sequence of those rows and the store that a
// scan reads them from, so that no chunk is decoded again for each batch.
//
// They are appended as they come, in memory, or put at their places, in memory or on disk. One goroutine writes them.
type Elements struct {
	rows.Span
	Size     int64    // bytes of an element
	band     int64    // rows of a segment
	segments [][]byte // in memory; nil: on disk
	buffers  [][]byte // what segments lie in, each of the lease of its number
	leases   []*bufpool.Lease

	mem  *bufpool.Memory // where they are appended
	room int64           // bytes that they may still take
	skip int64           // rows to come that are left out

	file  *os.File // each band's rows as they came, a place in the band before each
	parts []partial
	each  int // bytes of a part's buffer
}

// partial is what is known of a band's place in the file while rows come.
type partial struct {
	buf []byte
	at  int64
}

const (
	placeBytes    = 4         // of a row's place in its band
	segmentBytes  = 256 << 10 // in memory
	bandsOnDisk   = 1 << 14   // at most
	elementsShare = 4         // of the budget: one in so many
)

// NewAppended is for elements to come, whose number is not known. The first skip of them are left out.
func NewAppended(mem *bufpool.Memory, size, skip int64) *Elements {
	return &Elements{Span: rows.Span{Step: 1}, Size: size, band: max(1, segmentBytes/size), skip: skip, mem: mem, room: mem.Budget.Limit() / elementsShare}
}

// Append adds elements; false if there is no room for them.
func (e *Elements) Append(rows []byte) bool {
	gone := min(e.skip, int64(len(rows))/e.Size)
	e.skip, rows = e.skip-gone, rows[gone*e.Size:]
	for len(rows) > 0 {
		used := e.N % e.band * e.Size
		if used == 0 && !e.grow() {
			return false
		}
		n := copy(e.segments[len(e.segments)-1][used:], rows)
		rows = rows[n:]
		e.N += int64(n) / e.Size
	}
	return true
}

func (e *Elements) grow() bool {
	n := e.band * e.Size
	if e.room < n {
		return false
	}
	l := e.mem.TryLease(n)
	if l == nil {
		return false
	}
	e.room -= n
	e.leases, e.buffers = append(e.leases, l), append(e.buffers, l.Allocate(int(n)))
	e.segments = e.buffers
	return true
}

// NewPlaced makes room for n elements, in memory if a quarter of the budget holds them and half of it stays free, else on disk.
func NewPlaced(ctx context.Context, mem *bufpool.Memory, n, size int64) (*Elements, error) {
	e := &Elements{Span: rows.Span{Step: 1, N: n}, Size: size, band: max(1, segmentBytes/size)}
	share := mem.Budget.Limit() / elementsShare
	if n*size <= share && Roomy(mem.Budget, n*size) {
		if l := mem.TryLease(n * size); l != nil {
			e.leases, e.buffers = []*bufpool.Lease{l}, [][]byte{l.Allocate(int(n * size))}
			e.setSegments(e.buffers[0])
			return e, nil
		}
	}
	if err := e.onDisk(ctx, mem, share); err != nil {
		return nil, err
	}
	return e, nil
}

// setSegments makes segments of one piece of memory.
func (e *Elements) setSegments(data []byte) {
	for lo := int64(0); lo < e.N; lo += e.band {
		hi := min(lo+e.band, e.N)
		e.segments = append(e.segments, data[lo*e.Size:hi*e.Size])
	}
}

// onDisk makes a file for the elements. A worker reads a band twice over; all bands have a buffer while rows come.
func (e *Elements) onDisk(ctx context.Context, mem *bufpool.Memory, share int64) error {
	entry := e.Size + placeBytes
	e.band = max(1, share/8/entry, e.N/bandsOnDisk)
	e.parts = make([]partial, (e.N+e.band-1)/e.band)
	e.each = int(min(max(entry, share/4/int64(len(e.parts))), BufferBytes, e.band*entry))
	l, err := mem.Lease(ctx, int64(e.each)*int64(len(e.parts)))
	if err != nil {
		return err
	}
	for i := range e.parts {
		e.parts[i].at = int64(i) * e.band * entry
	}
	if e.file, err = TempFile(); err != nil {
		l.Close()
		return err
	}
	e.leases = []*bufpool.Lease{l}
	return nil
}

// Put copies an element to its place.
func (e *Elements) Put(at int64, row []byte) error {
	if e.file == nil {
		off := at % e.band * e.Size
		copy(e.segments[at/e.band][off:off+e.Size], row)
		return nil
	}
	p := &e.parts[at/e.band]
	if len(p.buf)+int(e.Size)+placeBytes > e.each {
		if err := e.write(p); err != nil {
			return err
		}
	}
	if p.buf == nil {
		p.buf = e.leases[0].Allocate(e.each)[:0]
	}
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(at%e.band))
	p.buf = append(p.buf, row...)
	return nil
}

func (e *Elements) write(p *partial) error {
	if _, err := e.file.WriteAt(p.buf, p.at); err != nil {
		return Failed(err)
	}
	p.at += int64(len(p.buf))
	p.buf = p.buf[:0]
	return nil
}

// Flush ends the putting: it writes what is left and frees the buffers.
func (e *Elements) Flush() (failed error) {
	for i := range e.parts {
		p := &e.parts[i]
		if err := e.write(p); failed == nil {
			failed = err
		}
		e.leases[0].Free(p.buf)
		p.buf = nil
	}
	if e.file != nil {
		e.leases[0].Close()
	}
	return failed
}

// Close gives back memory and disk.
func (e *Elements) Close() {
	if e.file != nil {
		_ = e.Flush() // of what will not be read
		e.file.Close()
		return
	}
	for i, l := range e.leases {
		l.Free(e.buffers[i])
		l.Close()
	}
	e.leases, e.buffers, e.segments = nil, nil, nil
}

func (e *Elements) Extents() []int64 { return []int64{e.band} }

func (e *Elements) Need(int64, *store.Pins) int64 {
	if e.file == nil {
		return 0
	}
	return e.band * (2*e.Size + placeBytes)
}

func (e *Elements) Load(_ context.Context, s *store.Scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	for i, at := range chunks {
		first := at[0] * e.band
		n := min(e.band, e.N-first)
		if err := e.segment(s, at[0], n, func(data []byte) error {
			return use(i, convert.Elems{Data: data, N: int(n), Size: int(e.Size)}, false)
		}); err != nil {
			return err
		}
	}
	return nil
}

// segment uses n elements of one.
func (e *Elements) segment(s *store.Scratch, number, n int64, use func([]byte) error) error {
	if e.file == nil {
		return use(e.segments[number][:n*e.Size])
	}
	entry := e.Size + placeBytes
	mixed := s.Mem.Allocate(int(n * entry))
	defer s.Mem.Free(mixed)
	if _, err := e.file.ReadAt(mixed, number*e.band*entry); err != nil {
		return Failed(err)
	}
	data := s.Mem.Allocate(int(n * e.Size))
	defer s.Mem.Free(data)
	for i := range n {
		one := mixed[i*entry : (i+1)*entry]
		at := int64(binary.LittleEndian.Uint32(one))
		copy(data[at*e.Size:(at+1)*e.Size], one[placeBytes:])
	}
	return use(data)
}
