package chunkstats

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// The file of a Set: magic with the version, CRC-32C of the rest, the name of the HDF5 file and its identity, then the
// tables. Numbers are little-endian or, where small, varints.
// Version 2: bounds of fixed strings are of the values without NULs below their spaces, and with those that PyTables has
// inside. Version 3: the identity has the time of change.
const magic = "mtfstat3"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// key says of which state of which file a Set is.
type key struct {
	path string
	id   blockio.Identity
}

func (s *Set) encode(k key) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := k.append(make([]byte, len(magic)+4))
	b = binary.AppendUvarint(b, uint64(len(s.tables)))
	for _, addr := range slices.Sorted(maps.Keys(s.tables)) {
		t := s.tables[addr]
		b = appendAll(b, addr, uint64(t.chunks), uint64(t.rows), uint64(len(t.columns)))
		for _, col := range slices.Sorted(maps.Keys(t.columns)) {
			b = t.columns[col].append(appendAll(b, uint64(col)))
		}
	}
	copy(b, magic)
	seal(b)
	return b
}

// seal puts the checksum in.
func seal(b []byte) {
	binary.LittleEndian.PutUint32(b[len(magic):], crc32.Checksum(b[len(magic)+4:], castagnoli))
}

func (k key) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(k.path)))
	b = append(b, k.path...)
	return appendAll(b, k.id.Dev, k.id.Ino, uint64(k.id.Size), uint64(k.id.Mtime), uint64(k.id.Ctime))
}

func appendAll(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func (c *column) append(b []byte) []byte {
	b = append(b, byte(c.class))
	b = binary.AppendUvarint(b, uint64(len(c.text)))
	b = append(b, c.text...)
	for _, e := range c.stats {
		if b = append(b, byte(e.state)); e.state == unknown {
			continue
		}
		b = binary.AppendUvarint(b, uint64(e.null))
		b = binary.AppendUvarint(b, uint64(e.nan))
		if e.state == bounded {
			b = appendAll(b, e.lo, e.hi)
		}
	}
	return b
}

var errDamaged = errors.New("chunkstats: damaged file")

// decode reads a file of this format; errDamaged for any other.
func decode(b []byte, budget *bufpool.Budget) (k key, s *Set, err error) {
	head := len(magic) + 4
	if len(b) < head || string(b[:len(magic)]) != magic || crc32.Checksum(b[head:], castagnoli) != binary.LittleEndian.Uint32(b[len(magic):]) {
		return k, nil, errDamaged
	}
	r := &cursor{b: b[head:]}
	k = r.key()
	s = NewSet(budget)
	for range r.count() {
		r.table(s)
	}
	if r.bad || len(r.b) > 0 {
		s.Close()
		return k, nil, errDamaged
	}
	return k, s, nil
}

// cursor reads numbers until one is not there: then all are 0 and bad is set.
type cursor struct {
	b   []byte
	bad bool
}

func (r *cursor) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *cursor) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *cursor) varint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count is a number of things that take at least a byte each.
func (r *cursor) count() uint64 {
	if n := r.varint(); n <= uint64(len(r.b)) {
		return n
	}
	r.bad = true
	return 0
}

func (r *cursor) key() key {
	path := string(r.bytes(r.varint()))
	return key{path, blockio.Identity{Dev: r.uint64(), Ino: r.uint64(), Size: int64(r.uint64()), Mtime: int64(r.uint64()), Ctime: int64(r.uint64())}}
}

func (r *cursor) table(s *Set) {
	addr, chunks, rows, columns := r.uint64(), r.uint64(), r.uint64(), r.uint64()
	if columns > uint64(len(r.b)) || columns > 0 && chunks > uint64(len(r.b)) || int64(chunks) < 0 || s.tables[addr] != nil {
		r.bad = true
		return
	}
	t := s.Table(addr, int64(chunks), int64(rows))
	for range columns {
		if r.column(t); r.bad {
			return
		}
	}
}

func (r *cursor) column(t *Table) {
	col, class := r.uint64(), None
	if b := r.bytes(1); b != nil {
		class = Class(b[0])
	}
	text := r.bytes(r.varint())
	if r.bad || class < Int || class > Text || col > 1<<31 || t.columns[int(col)] != nil || uint64(t.chunks) > uint64(len(r.b)) {
		r.bad = true
		return
	}
	c := t.add(int(col), class)
	if c == nil || !t.set.take(int64(len(text))) {
		r.bad = true // no room
		return
	}
	c.text = slices.Clone(text)
	for i := range c.stats {
		if c.stats[i] = r.entry(c); c.stats[i].state != unknown {
			c.known++
		}
	}
}

func (r *cursor) entry(c *column) (e entry) {
	if b := r.bytes(1); b != nil {
		e.state = state(b[0])
	}
	if e.state == unknown {
		return e
	}
	e.null, e.nan = int64(r.varint()), int64(r.varint())
	if e.state == bounded {
		e.lo, e.hi = r.uint64(), r.uint64()
	}
	if e.state > long || e.null < 0 || e.nan < 0 || e.state == bounded && !c.plausible(e.lo, e.hi) {
		r.bad = true
	}
	return e
}

func (c *column) plausible(lo, hi uint64) bool {
	if c.class != Text {
		return lo <= hi
	}
	for _, ref := range [2]uint64{lo, hi} {
		if from, n := ref>>textBits, ref&(1<<textBits-1); n > MaxText || from > uint64(len(c.text)) || n > uint64(len(c.text))-from {
			return false
		}
	}
	return string(c.cell(lo)) <= string(c.cell(hi))
}
