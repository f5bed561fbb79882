package check

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// mostReads bounds how closely damage of one dataset is looked at; what was not looked at closely counts as lost.
const mostReads = 20_000

// checksums are filters that have one for each chunk, of what they store or of what it was made of.
var checksums = []string{"fletcher32", "deflate", "bzip2"}

// dataset is the search for damage in one.
type dataset struct {
	*reader.Dataset
	info  reader.Info
	found *Dataset
	reads int
}

// dataset checks one, which the listing told of.
func (l *look) dataset(ctx context.Context, info reader.Info) error {
	found := Dataset{Path: info.Path, Rows: max(int64(info.Rows), 0), Checksums: []string{}, Damage: []Damage{}}
	for _, f := range info.Filters {
		if slices.Contains(checksums, f) {
			found.Checksums = append(found.Checksums, f)
		}
	}
	err := l.elements(ctx, info, &found)
	if fault.Of(err) == fault.DataLoss {
		found.Damage, err = append(found.Damage, Damage{What: "dataset", Path: info.Path, Stop: found.Rows, Reason: l.plain(info.Path, err)}), nil
	}
	l.Datasets = append(l.Datasets, found)
	return l.note(ctx, info.Path, err)
}

func (l *look) elements(ctx context.Context, info reader.Info, found *Dataset) error {
	d, err := l.file.Dataset(ctx, info.Path)
	if err != nil {
		return err
	}
	if _, err := d.Plan(ctx, reader.Request{}); err != nil {
		return err
	}
	chunks, _, err := d.Storage()
	if err != nil {
		return err
	}
	found.Chunks = max(int64(chunks), 0)
	s := &dataset{Dataset: d, info: d.Info(), found: found}
	boxes, err := s.boxes()
	if err != nil {
		return err
	}
	for band := range boxes {
		if err := s.search(ctx, l, band); err != nil {
			return err
		}
	}
	slices.SortStableFunc(found.Damage, func(a, b Damage) int { return cmp.Compare(a.Start, b.Start) })
	return nil
}

// mostVirtual bounds the bytes of a virtual dataset that are read: its extent says nothing of what is in its sources.
const mostVirtual = 64 << 30

// boxes are what has to be read: all that is in the file.
func (s *dataset) boxes() (iter.Seq[box], error) {
	switch {
	case s.info.Layout == "chunked" && len(s.info.Chunks) == len(whole(s.info)):
		numbers, err := s.Chunks()
		if err != nil {
			return nil, err
		}
		return stored(s.info, numbers), nil
	case s.info.Layout == "virtual" && s.info.Bytes > mostVirtual:
		return nil, fault.New(fault.Unsupported, "a virtual dataset of %d bytes: check its sources", s.info.Bytes)
	case s.info.Layout == "contiguous" && s.info.Stored == 0: // fill values
		return func(func(box) bool) {}, nil
	}
	return bands(s.info), nil
}

// search reads a box, and its halves where it is damaged. The error is of what is no damage.
func (s *dataset) search(ctx context.Context, l *look, b box) error {
	s.reads++
	err := drain(ctx, s.Dataset, b.request(s.info.Shape))
	if fault.Of(err) != fault.DataLoss {
		return err
	}
	at, single := b.chunkOf(s.info.Chunks)
	var chunk *reader.ChunkError
	if of := errors.As(err, &chunk); of && single {
		s.lost(Damage{What: "chunk", Chunk: at, Number: &chunk.Number, Address: &chunk.Address, Reason: l.plain(s.info.Path, err)}, b)
		return nil
	}
	halves := b.halves(s.info.Chunks)
	if len(halves) == 0 || s.reads > mostReads {
		s.lost(Damage{What: "rows", Reason: l.plain(s.info.Path, err)}, b)
		return nil
	}
	for _, half := range halves {
		if err := s.search(ctx, l, half); err != nil {
			return err
		}
	}
	return nil
}

// lost notes damage; rows side by side that are lost for one reason are one.
func (s *dataset) lost(d Damage, b box) {
	d.Path, d.Start, d.Stop = s.info.Path, b[0][0], b[0][1]
	if n := len(s.found.Damage); n > 0 && d.What == "rows" {
		if last := &s.found.Damage[n-1]; last.What == "rows" && last.Stop == d.Start && last.Reason == d.Reason {
			last.Stop = d.Stop
			return
		}
	}
	s.found.Damage = append(s.found.Damage, d)
}

// drain reads what is asked for and throws it away.
func drain(ctx context.Context, d *reader.Dataset, r reader.Request) error {
	p, err := d.Plan(ctx, r)
	if err != nil {
		return err
	}
	run := p.Run(ctx)
	defer run.Release()
	for run.Next() {
	}
	return run.Err()
}
