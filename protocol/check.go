package protocol

import (
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// Check refuses what contradicts itself, whatever the file (docs/protocol.md section 2), as Plan and a ticket's parser do. Errors:
// ErrInvalid, naming the members.
func (r Request) Check() error {
	if err := r.checkFields(); err != nil {
		return err
	}
	if err := r.checkFiles(); err != nil {
		return err
	}
	if err := r.checkSelections(); err != nil {
		return err
	}
	if r.Step != nil && *r.Step == 0 {
		return fault.New(fault.Invalid, "step must not be 0")
	}
	switch r.Index {
	case "", IndexAuto, IndexOff, IndexOnly:
	default:
		return fault.New(fault.Invalid, "options.index must be auto, off or only, not %q", r.Index)
	}
	if c := r.Compression; c != "" && c != LZ4 && c != Zstd {
		return fault.New(fault.Invalid, "options.compression must be lz4 or zstd, not %q", c)
	}
	if r.Offset < 0 || r.Limit != nil && *r.Limit < 0 {
		return fault.New(fault.Invalid, "offset and limit must be at least 0")
	}
	if r.BatchRows < 0 || r.BatchBytes < 0 {
		return fault.New(fault.Invalid, "batch_rows and batch_bytes must be at least 1")
	}
	return r.checkStream()
}

// CheckOne is Check of a request for one file by its name: what has a meaning over several files only is refused, too.
func (r Request) CheckOne() error {
	what := ""
	switch o := r.Options; {
	case o.FileColumn != "":
		what = "file_column"
	case o.Schema != "":
		what = "schema"
	case o.OnError != "":
		what = "on_error"
	case o.Partitions:
		what = "partitions"
	default:
		return r.Check()
	}
	return fault.New(fault.Invalid, "options.%s is of requests over several files: make file a pattern, or a list of one name", what)
}

func (r Request) checkFields() error {
	if r.Fields != nil && len(r.Fields) == 0 {
		return fault.New(fault.Invalid, "fields must name a column; leave it out for all")
	}
	seen := map[string]bool{}
	for _, f := range r.Fields {
		if seen[f] {
			return fault.New(fault.Invalid, "fields names %s twice", spell.Quote(f))
		}
		seen[f] = true
	}
	return nil
}

// MaxFiles is of how many files one request may be.
const MaxFiles = 100_000

func (r Request) checkFiles() error {
	if r.Files == nil {
		return nil
	}
	if r.File != "" || len(r.Files) == 0 || len(r.Files) > MaxFiles {
		return fault.New(fault.Invalid, "file: a list of 1 to %d names, %d are given", MaxFiles, len(r.Files))
	}
	seen := make(map[string]bool, len(r.Files))
	for _, f := range r.Files {
		if f == "" || seen[f] {
			return fault.New(fault.Invalid, "file: the list names %s twice, or nothing", spell.Quote(f))
		}
		seen[f] = true
	}
	return nil
}

func (r Request) checkSelections() error {
	var given []string
	for _, m := range []struct {
		name  string
		asked bool
	}{{"select", r.Select != nil}, {"coordinates", r.Coordinates != nil}, {"mask", r.Mask != nil}} {
		if m.asked {
			given = append(given, m.name)
		}
	}
	if len(given) > 0 && (r.Start != nil || r.Stop != nil || r.Step != nil) {
		return fault.New(fault.Invalid, "%s excludes start, stop and step", given[0])
	}
	if r.Where != nil || r.SortBy != "" {
		given = append(given, "where or sort_by")
	}
	if len(given) > 1 {
		return fault.New(fault.Invalid, "%s and %s exclude each other", given[0], given[1])
	}
	return nil
}

func (r Request) checkStream() error {
	s := r.Stream
	if s == nil {
		return nil
	}
	switch {
	case s.BlockRows < 0 || s.FromBlock < 0 || s.ToBlock != nil && *s.ToBlock < 0 || s.Workers < 0 || s.Cycles != nil && *s.Cycles < 0 || s.ReadAhead != nil && *s.ReadAhead < 0:
		return fault.New(fault.Invalid, "stream: block_rows, from_block, to_block, workers, cycles and read_ahead must not be negative")
	case s.Cyclic && s.Remainder == OnlyRemainder:
		return fault.New(fault.Invalid, `stream.remainder "only" excludes stream.cyclic: there is no remainder`)
	case s.ToBlock != nil && s.Remainder == OnlyRemainder:
		return fault.New(fault.Invalid, `stream.remainder "only" excludes stream.to_block: it is one block`)
	case s.ShuffleRows && s.Shuffle == nil:
		return fault.New(fault.Invalid, "stream.shuffle_rows needs the seed in stream.shuffle")
	case s.Follow:
		return r.checkFollow()
	}
	return nil
}

// checkFollow refuses what has no meaning for rows to come.
func (r Request) checkFollow() error {
	s := r.Stream
	switch {
	case s.Cyclic || s.Shuffle != nil || s.Remainder == OnlyRemainder:
		return fault.New(fault.Invalid, "stream.follow excludes cyclic, shuffle and the remainder alone: it has no last row")
	case r.SortBy != "" || r.Select != nil || r.Coordinates != nil || r.Mask != nil:
		return fault.New(fault.Invalid, "stream.follow excludes sort_by, select, coordinates and mask: use start, step and where")
	case s.ToBlock != nil:
		return fault.New(fault.Invalid, "stream.follow excludes to_block: use limit")
	case r.Stop != nil || r.Step != nil && *r.Step < 0:
		return fault.New(fault.Invalid, "stream.follow excludes stop and a negative step: use limit")
	case s.FromBlock > 0 && s.BlockRows == 0:
		return fault.New(fault.Invalid, "stream.from_block with follow needs stream.block_rows, since other batches have as many rows as there are: resume by start")
	}
	return nil
}
