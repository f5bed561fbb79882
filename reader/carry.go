package reader

import (
	"context"
	"encoding/binary"
	"os"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// carried is the rows of a sorted result as they lie in the file, put in the result's order: in memory or, where they
// are too many, in a temporary file. It is the sequence of those rows and the store that a plan reads them from.
//
// Reading scattered rows batch by batch would decode every chunk for every batch. This reads each chunk once.
type carried struct {
	span
	size int64 // bytes of an element
	band int64 // rows of a chunk of this store

	lease *bufpool.Lease
	data  []byte   // in memory
	file  *os.File // else: for each band its rows as they came, a place in the band before each
	parts []partial
	each  int // bytes of a part's buffer
}

// partial is what is known of a band's place in the file while rows come.
type partial struct {
	buf []byte
	at  int64
}

const (
	placeBytes   = 4         // of a row's place in its band
	carriedBand  = 256 << 10 // bytes, in memory
	carriedParts = 1 << 14   // bands in a file
	placeStep    = 1 << 14   // rows taken at once
)

// carry reads the rows of a result once, from the first in the file to the last. The rows are closed.
func carry(ctx context.Context, s *scan, rows *sortedRows) (*carried, error) {
	places, sources, err := byPlace(ctx, s, rows)
	n := rows.Len()
	rows.close()
	if err != nil {
		return nil, err
	}
	defer places.close()
	defer sources.close()
	c, err := newCarried(ctx, s.memory(), n, int64(s.program.ElemSize()))
	if err != nil {
		return nil, err
	}
	if err := fetchRows(ctx, s, c, places, sources); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// byPlace sorts the rows of a result by their place in the file: sources are the rows, places where each goes.
func byPlace(ctx context.Context, in *scan, rows *sortedRows) (places, sources *sortedRows, err error) {
	room, err := sortRoom(ctx, in, rows.Len(), ptindex.Int)
	if err != nil {
		return nil, nil, err
	}
	defer in.budget().Return(room)
	s := newSorter(room, rows.Len(), false)
	defer s.close()
	if err := addPlaces(s, rows); err != nil {
		return nil, nil, err
	}
	if places, err = in.newSortedRows(rows.Len(), false); err != nil {
		return nil, nil, err
	}
	if sources, err = in.newSortedRows(rows.Len(), false); err != nil {
		places.close()
		return nil, nil, err
	}
	err = s.each(ctx, func(at pair) (bool, error) {
		places.add(at.row)
		sources.add(int64(at.key))
		return true, nil
	})
	if err == nil {
		err = places.finish()
	}
	if err == nil {
		err = sources.finish()
	}
	if err != nil {
		places.close()
		sources.close()
	}
	return places, sources, err
}

// addPlaces gives the sorter each row as the key, with its place in the result.
func addPlaces(s *sorter, rows *sortedRows) error {
	var keys ptindex.Keys
	var places []int64
	for lo := int64(0); lo < rows.Len(); lo += placeStep {
		hi := min(lo+placeStep, rows.Len())
		keys.Num, places = keys.Num[:0], places[:0]
		for i, row := range rows.read(lo, hi) {
			keys.Num = append(keys.Num, uint64(row))
			places = append(places, lo+int64(i))
		}
		if rows.err != nil {
			return rows.err
		}
		if err := s.add(keys, places); err != nil {
			return err
		}
	}
	return nil
}

// newCarried makes room for n rows in memory if a quarter of the budget holds them and half of it stays free, else on
// disk.
func newCarried(ctx context.Context, mem *bufpool.Memory, n, size int64) (*carried, error) {
	c := &carried{span: span{step: 1, n: n}, size: size}
	share := mem.Budget.Limit() / 4
	if n*size <= share && roomy(mem.Budget, n*size) {
		if c.lease = mem.TryLease(n * size); c.lease != nil {
			c.data = c.lease.Allocate(int(n * size))
			c.band = max(1, carriedBand/size)
			return c, nil
		}
	}
	// A worker reads a band twice over; all bands have a buffer while rows come.
	c.band = max(1, share/8/(size+placeBytes), n/carriedParts)
	c.parts = make([]partial, (n+c.band-1)/c.band)
	c.each = int(min(max(size+placeBytes, share/4/int64(len(c.parts))), spillBuffer, c.band*(size+placeBytes)))
	var err error
	if c.lease, err = mem.Lease(ctx, int64(c.each)*int64(len(c.parts))); err != nil {
		return nil, err
	}
	for i := range c.parts {
		c.parts[i].at = int64(i) * c.band * (size + placeBytes)
	}
	if c.file, err = tempFile(); err != nil {
		c.lease.Close()
		return nil, err
	}
	return c, nil
}

// fetchRows reads the rows and puts each in its place.
func fetchRows(ctx context.Context, s *scan, c *carried, places, sources *sortedRows) error {
	program, err := wholeElement(int(c.size))
	if err != nil {
		return err
	}
	var failed error
	if err := s.reading(program, sources.plain()).each(ctx, func(f *fill) bool {
		if failed = c.put(f.record.Column(0).(*array.FixedSizeBinary), places.read(f.Row, f.Row+f.Rows)); failed == nil {
			failed = firstOf(places.err, sources.err)
		}
		return failed == nil
	}); err != nil {
		return err
	}
	return firstOf(failed, c.flush())
}

// put copies rows to their places.
func (c *carried) put(rows *array.FixedSizeBinary, places []int64) error {
	if c.file == nil {
		for i, at := range places {
			copy(c.data[at*c.size:(at+1)*c.size], rows.Value(i))
		}
		return nil
	}
	for i, at := range places {
		p := &c.parts[at/c.band]
		if len(p.buf)+int(c.size)+placeBytes > c.each {
			if err := c.write(p); err != nil {
				return err
			}
		}
		if p.buf == nil {
			p.buf = c.lease.Allocate(c.each)[:0]
		}
		p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(at%c.band))
		p.buf = append(p.buf, rows.Value(i)...)
	}
	return nil
}

func (c *carried) write(p *partial) error {
	if _, err := c.file.WriteAt(p.buf, p.at); err != nil {
		return spillFailed(err)
	}
	p.at += int64(len(p.buf))
	p.buf = p.buf[:0]
	return nil
}

// flush writes what is left and frees the buffers.
func (c *carried) flush() error {
	var failed error
	for i := range c.parts {
		p := &c.parts[i]
		failed = firstOf(failed, c.write(p))
		c.lease.Free(p.buf)
		p.buf = nil
	}
	if c.file != nil {
		c.lease.Close()
	}
	return failed
}

func (c *carried) close() {
	if c.file != nil {
		_ = c.flush() // of what will not be read
		c.file.Close()
		return
	}
	c.lease.Free(c.data)
	c.lease.Close()
}

func (c *carried) extents() []int64 { return []int64{c.band} }

func (c *carried) need(int64, *held) int64 {
	if c.file == nil {
		return 0
	}
	return c.band * (2*c.size + placeBytes)
}

func (c *carried) load(_ context.Context, s *scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	for i, at := range chunks {
		first := at[0] * c.band
		n := min(c.band, c.n-first)
		e := convert.Elems{N: int(n), Size: int(c.size)}
		if c.file == nil {
			e.Data = c.data[first*c.size : (first+n)*c.size]
			if err := use(i, e, false); err != nil {
				return err
			}
			continue
		}
		if err := c.readBand(s, first, n, func(data []byte) error {
			e.Data = data
			return use(i, e, false)
		}); err != nil {
			return err
		}
	}
	return nil
}

// readBand reads a band from the file and puts its rows in order.
func (c *carried) readBand(s *scratch, first, n int64, use func([]byte) error) error {
	entry := c.size + placeBytes
	mixed := s.mem.Allocate(int(n * entry))
	defer s.mem.Free(mixed)
	if _, err := c.file.ReadAt(mixed, first*entry); err != nil {
		return spillFailed(err)
	}
	data := s.mem.Allocate(int(n * c.size))
	defer s.mem.Free(data)
	for i := range n {
		e := mixed[i*entry : (i+1)*entry]
		at := int64(binary.LittleEndian.Uint32(e))
		copy(data[at*c.size:(at+1)*c.size], e[placeBytes:])
	}
	return use(data)
}
