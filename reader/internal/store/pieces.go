package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Pieced is a store whose reading and decoding can be done apart, to see what each takes.
type Pieced interface {
	// Pieces are the chunks of the file's beginning, of so many stored bytes, as a load would read them.
	Pieces(most int64) []Piece
}

var (
	_ Pieced = (*chunked)(nil)
	_ Pieced = (*bands)(nil)
)

// Piece is what is read at once: chunks that are neighbours in the file, or a part of what has no chunks.
type Piece struct {
	file  *blockio.File
	span  blockio.Span
	of    *chunked // nil: nothing to decode
	found []stored
}

// Bytes is how many bytes are read.
func (p Piece) Bytes() int64 { return int64(p.span.Size) }

// Elements is how many bytes of elements they make, in chunks that are whole.
func (p Piece) Elements() int64 {
	if p.of == nil {
		return p.Bytes()
	}
	return int64(len(p.found)) * p.of.bytes()
}

// Read fills dst with them. Errors: fault.DataLoss and others of reading.
func (p Piece) Read(ctx context.Context, dst []byte) error { return p.file.Read(ctx, dst, p.span.Addr) }

// Decode undoes the filters of what was read, and keeps nothing.
func (p Piece) Decode(s *Scratch, src []byte) error {
	if p.of == nil {
		return nil
	}
	use := func(int, convert.Elems, bool) error { return nil }
	for part := range slices.Chunk(p.found, p.of.together()) {
		if err := p.of.decodeAll(s, src, p.span.Addr, part, &pending{}, use); err != nil {
			return err
		}
	}
	return nil
}

// Pieces is part of Pieced. Chunks that cannot be what they say are left out: a load tells of them.
func (c *chunked) Pieces(most int64) (out []Piece) {
	var found []stored
	var ext []blockio.Extent
	for linear, ch := range c.Index.All() {
		f := stored{linear: linear, Chunk: ch}
		if c.plausible(f) != nil {
			continue
		}
		if most -= int64(ch.Size); most < 0 && len(found) > 0 {
			break
		}
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b stored) int { return cmp.Compare(a.Addr, b.Addr) })
	for _, f := range found {
		ext = append(ext, blockio.Extent{Addr: f.Addr, Size: uint64(f.Size)})
	}
	for _, sp := range blockio.Spans(ext, c.File.Gap(), spanSize) {
		out = append(out, Piece{file: c.File, span: sp, of: c, found: found[sp.First:sp.Last]})
	}
	return out
}

// Pieces is part of Pieced.
func (b *bands) Pieces(most int64) []Piece {
	if c, ok := b.Source.(*contiguous); ok {
		return c.pieces(min(most, rows.Times(rows.Product(b.shape), int64(b.elemSize))))
	}
	return nil
}

// pieces cuts it as it is read.
func (c *contiguous) pieces(bytes int64) (out []Piece) {
	for at := int64(0); at < bytes; at += BandBytes {
		out = append(out, Piece{file: c.file, span: blockio.Span{Extent: blockio.Extent{Addr: c.addr + uint64(at), Size: uint64(min(BandBytes, bytes-at))}}})
	}
	return out
}
