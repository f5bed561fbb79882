package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// column encodes a leaf, page by page, and keeps the pages until the row group is written.
type column struct {
	encoder
	props *parquet.WriterProperties
	descr *schema.Column
	codec *packer
	arena *arena
	room  []int16 // for a batch's levels
	limit int     // bytes of a dictionary
	dense bool    // a row group had too many values for a dictionary, the next ones do without

	// Of the row group:
	pager  file.PageWriter
	chunk  *metadata.ColumnChunkMetaDataBuilder
	stats  metadata.TypedStatistics
	pages  []file.DataPage // not yet written
	headed bool            // the dictionary is written
	coded  bool            // the open page has indexes in a dictionary
	body   page
}

// page is the open one.
type page struct {
	entries  int
	def, rep []int16 // def: nil while all are defined
	plain    []byte  // from `front` on
	indexes  []int32 // coded or booleans
}

// A page ends at so many bytes or entries (pyarrow's have 20,000), such that it stays in a processor's cache, and is looked
// at after so many of a piece: fewer of texts, which may be long.
const (
	pageBytes   = 256 << 10
	pageEntries = 32 << 10
	numberPiece = 4 << 10
	textPiece   = 256
	front       = 64 // bytes of room before the values, for levels that are one run
)

// A dictionary has at most so many bytes, as pyarrow's do, and all columns' together not much more than 64 times that,
// since they are made side by side.
const (
	dictBytes    = 1 << 20
	allDictBytes = 64 << 20
)

func newColumn(d *schema.Column, columns int, props *parquet.WriterProperties, codec *packer, a *arena) *column {
	c := &column{encoder: encoderOf(d.PhysicalType(), d.TypeLength()), props: props, descr: d, codec: codec, arena: a}
	c.limit = min(dictBytes, allDictBytes/columns)
	c.stats = metadata.NewStatistics(d, nil)
	c.dense = c.boolean()
	c.body.plain = make([]byte, front)
	return c
}

func (c *column) boolean() bool { return c.descr.PhysicalType() == parquet.Types.Boolean }

// add encodes a leaf's part of a batch.
func (c *column) add(s shredded) error {
	if err := c.bind(s); err != nil {
		return err
	}
	value, piece := 0, numberPiece
	if c.descr.PhysicalType() == parquet.Types.ByteArray {
		piece = textPiece
	}
	for from := 0; from < s.entries(); {
		to := min(from+piece, s.entries(), from+pageEntries-c.body.entries)
		present := s.present(from, to, c.descr.MaxDefinitionLevel())
		c.stats.IncNulls(int64(to - from - present))
		c.body.add(s, from, to, c.descr.MaxDefinitionLevel())
		c.put(value, value+present)
		if outgrown := c.outgrown(); outgrown || c.body.full() {
			if err := c.flush(); err != nil {
				return err
			}
			c.dense = c.dense || outgrown
			c.coded = !c.dense
		}
		from, value = to, value+present
	}
	return nil
}

func (c *column) put(from, to int) {
	if c.coded || c.boolean() {
		c.body.indexes = c.look(roomy(c.body.indexes, to-from), from, to)
	} else {
		c.body.plain = c.plain(roomy(c.body.plain, 8*(to-from)), from, to)
	}
}

// roomy has room for n more; its size at least doubles, since what append adds to large slices is little.
func roomy[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return slices.Grow(s, max(n, len(s)))
}

// outgrown tells that a dictionary has become too large: what follows is without.
func (c *column) outgrown() bool {
	plain, _ := c.dictionary()
	return c.coded && len(plain) >= c.limit
}

// add takes levels.
func (p *page) add(s shredded, from, to int, top int16) {
	if s.def != nil && p.def == nil {
		p.def = append(make([]int16, 0, pageEntries), slices.Repeat([]int16{top}, p.entries)...)
	}
	switch {
	case s.def != nil:
		p.def = append(p.def, s.def[from:to]...)
	case p.def != nil:
		p.def = append(p.def, slices.Repeat([]int16{top}, to-from)...)
	}
	if s.rep != nil {
		p.rep = append(p.rep, s.rep[from:to]...)
	}
	p.entries += to - from
}

func (p *page) full() bool {
	return p.entries >= pageEntries || len(p.plain) >= pageBytes+front
}

// flush ends the page.
func (c *column) flush() error {
	p := &c.body
	if p.entries == 0 {
		return nil
	}
	work := scratches.Get().(*scratch)
	defer scratches.Put(work)
	work.levels = c.appendLevels(work.levels[:0])
	raw := c.joined(work)
	if len(raw) > math.MaxInt32 {
		return fmt.Errorf("parquet: a page of %d bytes is too long: ask for smaller batches by --batch-rows", len(raw))
	}
	encoding := parquet.Encodings.Plain
	if c.coded {
		encoding = c.props.DictionaryIndexEncoding()
	} else {
		observe(c.stats, p.plain[front:], p.indexes)
	}
	data := memory.NewBufferBytes(c.arena.keep(c.codec.pack(work, raw)))
	c.pages = append(c.pages, file.NewDataPageV1WithConfig(data, parquet.Encodings.RLE, parquet.Encodings.RLE,
		file.DataPageConfig{Num: int32(p.entries), Encoding: encoding, UncompressedSize: int32(len(raw))}))
	*p = page{def: nil, rep: p.rep[:0], plain: p.plain[:front], indexes: p.indexes[:0]}
	return nil
}

// appendLevels encodes the page's levels, each kind with its length before it.
func (c *column) appendLevels(out []byte) []byte {
	if top := c.descr.MaxRepetitionLevel(); top > 0 {
		out = sized(out, func(out []byte) []byte { return appendHybrid(out, c.body.rep, bits.Len16(uint16(top))) })
	}
	top := c.descr.MaxDefinitionLevel()
	if top == 0 {
		return out
	}
	return sized(out, func(out []byte) []byte {
		if c.body.def == nil {
			return appendRun(out, top, c.body.entries, bits.Len16(uint16(top)))
		}
		return appendHybrid(out, c.body.def, bits.Len16(uint16(top)))
	})
}

// sized puts the length of what is appended before it.
func sized(out []byte, by func([]byte) []byte) []byte {
	at := len(out)
	out = by(append(out, 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	return out
}

// joined is the page before it is compressed: in front of the values where the levels have room there.
func (c *column) joined(work *scratch) []byte {
	p := &c.body
	switch {
	case c.coded:
		_, count := c.dictionary()
		width := max(1, bits.Len(uint(max(count-1, 0))))
		work.raw = appendHybrid(append(append(work.raw[:0], work.levels...), byte(width)), p.indexes, width)
	case c.boolean():
		work.raw = appendPacked(append(work.raw[:0], work.levels...), p.indexes, 1)
	case len(work.levels) <= front:
		at := front - len(work.levels)
		copy(p.plain[at:], work.levels)
		return p.plain[at:]
	default:
		work.raw = append(append(work.raw[:0], work.levels...), p.plain[front:]...)
	}
	return work.raw
}

// begin starts a row group.
func (c *column) begin(pager file.PageWriter, chunk *metadata.ColumnChunkMetaDataBuilder) {
	c.pager, c.chunk = pager, chunk
	c.stats.Reset()
	c.forget()
	c.coded, c.headed = !c.dense, false
}

// drain writes the pages that are complete, the dictionary before them: so nothing is put there any more.
func (c *column) drain() error {
	if err := c.head(); err != nil {
		return err
	}
	for _, p := range c.pages {
		if _, err := c.pager.WriteDataPage(p); err != nil {
			return err
		}
	}
	clear(c.pages)
	c.pages = c.pages[:0]
	return nil
}

// head writes the dictionary, where pages have indexes in one.
func (c *column) head() error {
	plain, count := c.dictionary()
	if c.headed || !c.coded && count == 0 {
		return nil
	}
	c.headed = true
	observe(c.stats, plain, nil)
	_, err := c.pager.WriteDictionaryPage(file.NewDictionaryPage(memory.NewBufferBytes(plain), int32(count), c.props.DictionaryPageEncoding()))
	return err
}

// finish ends the row group.
func (c *column) finish() error {
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.drain(); err != nil {
		return err
	}
	if err := c.describe(); err != nil {
		return err
	}
	return c.pager.Close(c.headed, c.headed && !c.coded)
}

// describe tells the chunk's statistics.
func (c *column) describe() error {
	s, err := c.stats.Encode()
	if err != nil || c.descr.SortOrder() == schema.SortUNKNOWN {
		return err
	}
	s.ApplyStatSizeLimits(int(c.props.MaxStatsSizeFor(c.descr.Path())))
	s.Signed = c.descr.SortOrder() == schema.SortSIGNED
	if s.IsSet() {
		c.chunk.SetStats(s)
	}
	return nil
}
