package order

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

const (
	mergeBuffer = 64 << 10 // of a run while merging, at most
	leastBuffer = 4 << 10
	checkEvery  = 1 << 16 // rows between two looks at the context
)

// sortedRuns is sorted runs of keys with rows in a temporary file: a length, the key, the row.
type sortedRuns struct {
	file *os.File
	w    *bufio.Writer
	at   int64
	ends []int64
}

func newSortedRuns() (*sortedRuns, error) {
	f, err := spill.TempFile()
	if err != nil {
		return nil, err
	}
	return &sortedRuns{file: f, w: bufio.NewWriterSize(f, spill.BufferBytes)}, nil
}

// put adds to the run being written.
func (s *sortedRuns) put(key []byte, row int64) {
	b := s.w.AvailableBuffer()
	b = binary.AppendUvarint(b, uint64(len(key)))
	n, _ := s.w.Write(b) // the writer keeps its first error for endRun
	m, _ := s.w.Write(key)
	k, _ := s.w.Write(binary.BigEndian.AppendUint64(s.w.AvailableBuffer(), uint64(row)))
	s.at += int64(n + m + k)
}

func (s *sortedRuns) endRun() error {
	if err := s.w.Flush(); err != nil {
		return spill.Failed(err)
	}
	s.ends = append(s.ends, s.at)
	return nil
}

func (s *sortedRuns) Close() { s.file.Close() }

// cursor is a place in a run.
type cursor struct {
	r      *bufio.Reader
	run    int
	prefix uint64
	key    []byte
	row    int64
}

// Next reads an entry; io.EOF at the end of the run.
func (c *cursor) Next() error {
	n, err := binary.ReadUvarint(c.r)
	if err != nil {
		return err
	}
	if uint64(cap(c.key)) < n+8 {
		c.key = make([]byte, n+8)
	}
	entry := c.key[:n+8]
	if _, err := io.ReadFull(c.r, entry); err != nil {
		return err
	}
	c.row = int64(binary.BigEndian.Uint64(entry[n:]))
	c.key = entry[:n]
	c.prefix = prefix(c.key)
	return nil
}

func (c *cursor) before(d *cursor) bool {
	if c.prefix != d.prefix {
		return c.prefix < d.prefix
	}
	if order := bytes.Compare(c.key, d.key); order != 0 {
		return order < 0
	}
	return c.run < d.run
}

// cursors is a binary heap of the runs' next entries.
type cursors []*cursor

// sink puts the cursor at i where it belongs below.
func (c cursors) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(c); child++ {
			if c[child].before(c[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		c[i], c[least] = c[least], c[i]
		i = least
	}
}

// open begins to read all runs, with room bytes for their buffers.
func (s *sortedRuns) open(room int64) (cursors, error) {
	size := min(room/int64(len(s.ends)), mergeBuffer)
	if size < leastBuffer {
		return nil, fault.New(fault.Exhausted, "sorting: %d runs on disk are too many for the memory budget: raise --memory", len(s.ends))
	}
	all := cursors{}
	from := int64(0)
	for i, to := range s.ends {
		c := &cursor{r: bufio.NewReaderSize(io.NewSectionReader(s.file, from, to-from), int(size)), run: i}
		switch err := c.Next(); {
		case err == nil:
			all = append(all, c)
		case !errors.Is(err, io.EOF):
			return nil, spill.Failed(err)
		}
		from = to
	}
	for i := len(all)/2 - 1; i >= 0; i-- {
		all.sink(i)
	}
	return all, nil
}

// merge calls use with the rows of all runs in order until it has enough.
func (s *sortedRuns) merge(ctx context.Context, room int64, use func(at pair) (bool, error)) error {
	all, err := s.open(room)
	if err != nil {
		return err
	}
	for n := 0; len(all) > 0; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if more, err := use(pair{all[0].prefix, all[0].row}); !more || err != nil {
			return err
		}
		switch err := all[0].Next(); {
		case err == nil:
			all.sink(0)
		case errors.Is(err, io.EOF):
			all[0] = all[len(all)-1]
			all = all[:len(all)-1]
			all.sink(0)
		default:
			return spill.Failed(err)
		}
	}
	return nil
}
