package order

import (
	"cmp"
	"context"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

// placeStep is how many rows are taken at once.
const placeStep = 1 << 14

// readInPlace reads the elements of a result's rows once, from the first in the file to the last.
//
// Reading scattered rows batch by batch would decode every chunk for every batch. This decodes each once.
func readInPlace(ctx context.Context, s *fill.Scan, places, sources *spill.Rows) (*spill.Elements, error) {
	c, err := spill.NewPlaced(ctx, s.Memory(), places.Len(), int64(s.Program.ElemSize()))
	if err != nil {
		return nil, err
	}
	if err := fetchRows(ctx, s, c, places, sources); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Shared are rows that were found and that several scans read. One goroutine uses them.
type Shared struct {
	*spill.Rows
	places, sources *spill.Rows // in the order of the file; nil: nobody needed that
}

// Scan is a scan of these rows, over their elements where those lie scattered. The rows are closed after its run.
func (r *Shared) Scan(ctx context.Context, s *fill.Scan) (_ *fill.Scan, err error) {
	if !scattered(s, r.Rows) {
		q := *s
		q.Rows = r.Borrow()
		return &q, nil
	}
	if r.places == nil {
		if r.places, r.sources, err = byPlace(ctx, s, r.Rows); err != nil {
			r.places, r.sources = nil, nil
			return nil, err
		}
	}
	c, err := readInPlace(ctx, s, r.places, r.sources)
	if err != nil {
		return nil, err
	}
	return s.Over(c, c), nil
}

// Close gives back memory and disk.
func (r *Shared) Close() {
	r.Rows.Close()
	if r.places != nil {
		r.places.Close()
		r.sources.Close()
	}
}

// byPlace sorts the rows of a result by their place in the file: sources are the rows, places where each goes.
func byPlace(ctx context.Context, in *fill.Scan, rows *spill.Rows) (places, sources *spill.Rows, err error) {
	room, err := sortRoom(ctx, in, rows.Len(), ptindex.Int)
	if err != nil {
		return nil, nil, err
	}
	defer in.Budget().Return(room)
	s := newSorter(room, rows.Len(), false)
	defer s.Close()
	if err := addPlaces(s, rows); err != nil {
		return nil, nil, err
	}
	if places, err = in.NewRows(rows.Len(), false); err != nil {
		return nil, nil, err
	}
	if sources, err = in.NewRows(rows.Len(), false); err != nil {
		places.Close()
		return nil, nil, err
	}
	err = s.each(ctx, func(at pair) (bool, error) {
		places.Add(at.row)
		sources.Add(int64(at.key))
		return true, nil
	})
	if err == nil {
		err = places.Finish()
	}
	if err == nil {
		err = sources.Finish()
	}
	if err != nil {
		places.Close()
		sources.Close()
	}
	return places, sources, err
}

// addPlaces gives the sorter each row as the key, with its place in the result.
func addPlaces(s *sorter, rows *spill.Rows) error {
	var keys ptindex.Keys
	var places []int64
	for lo := int64(0); lo < rows.Len(); lo += placeStep {
		hi := min(lo+placeStep, rows.Len())
		keys.Num, places = keys.Num[:0], places[:0]
		for i, row := range rows.Read(lo, hi) {
			keys.Num = append(keys.Num, uint64(row))
			places = append(places, lo+int64(i))
		}
		if rows.Err != nil {
			return rows.Err
		}
		if err := s.add(keys, places); err != nil {
			return err
		}
	}
	return nil
}

// fetchRows reads the rows and puts each in its place.
func fetchRows(ctx context.Context, s *fill.Scan, c *spill.Elements, places, sources *spill.Rows) error {
	program, err := fill.ElementProgram(int(c.Size))
	if err != nil {
		return err
	}
	reading := s.Reading(program, sources.Borrow())
	reading.Crop = []*convert.Program{s.Program}
	var failed error
	if err := reading.Each(ctx, func(f *fill.Batch) bool {
		read := f.Record.Column(0).(*array.FixedSizeBinary)
		for i, at := range places.Read(f.Row, f.Row+f.Rows) {
			if failed = c.Put(at, read.Value(i)); failed != nil {
				return false
			}
		}
		failed = cmp.Or(places.Err, sources.Err)
		return failed == nil
	}); err != nil {
		return err
	}
	return cmp.Or(failed, c.Flush())
}
