package reader

import (
	"cmp"
	"context"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// placeStep is how many rows are taken at once.
const placeStep = 1 << 14

// readInPlace reads the elements of a result's rows once, from the first in the file to the last. The rows are closed.
//
// Reading scattered rows batch by batch would decode every chunk for every batch. This decodes each once.
func readInPlace(ctx context.Context, s *scan, rows *sortedRows) (*elements, error) {
	places, sources, err := byPlace(ctx, s, rows)
	n := rows.Len()
	rows.close()
	if err != nil {
		return nil, err
	}
	defer places.close()
	defer sources.close()
	c, err := newPlaced(ctx, s.memory(), n, int64(s.program.ElemSize()))
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

// fetchRows reads the rows and puts each in its place.
func fetchRows(ctx context.Context, s *scan, c *elements, places, sources *sortedRows) error {
	program, err := wholeElement(int(c.size))
	if err != nil {
		return err
	}
	var failed error
	if err := s.reading(program, sources.plain()).each(ctx, func(f *fill) bool {
		read := f.record.Column(0).(*array.FixedSizeBinary)
		for i, at := range places.read(f.Row, f.Row+f.Rows) {
			if failed = c.put(at, read.Value(i)); failed != nil {
				return false
			}
		}
		failed = cmp.Or(places.err, sources.err)
		return failed == nil
	}); err != nil {
		return err
	}
	return cmp.Or(failed, c.flush())
}
