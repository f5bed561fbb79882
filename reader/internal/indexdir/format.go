package indexdir

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// A file: magic with the version, the length of the key and the key; the sections; the table of 36 bytes for each, by name; the
// place of the table, the number of sections, the CRC-32C of key and table, and magic again. Numbers are little-endian.
const (
	magic      = "mtfindx1"
	keyAt      = len(magic) + 4
	mostKey    = 8 << 10
	entryBytes = 4*8 + 4
	tailBytes  = 8 + 8 + 4 + len(magic)
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	little     = binary.LittleEndian
	errDamaged = errors.New("indexdir: damaged file")
)

// Key says of which state of which HDF5 file something is.
type Key struct {
	Path   string
	ID     blockio.Identity
	Sample string // digest of some of its bytes
}

// ID is the name of a section.
type ID struct{ Object, Part uint64 }

func (a ID) compare(b ID) int {
	return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Part, b.Part))
}

// Section is a section to be written; Bytes is called once, when it is.
type Section struct {
	ID
	Bytes func() []byte
}

// entry is where a section lies.
type entry struct {
	ID
	at, n int64
	sum   uint32
}

type table struct {
	key     Key
	entries []entry // by name
}

func (k Key) bytes() []byte {
	b := little.AppendUint32(nil, uint32(len(k.Path)))
	b = append(b, k.Path...)
	for _, n := range []uint64{k.ID.Dev, k.ID.Ino, uint64(k.ID.Size), uint64(k.ID.Mtime), uint64(k.ID.Ctime)} {
		b = little.AppendUint64(b, n)
	}
	return append(b, k.Sample...)
}

// readKey is the key that a file begins with, and its bytes.
func readKey(f io.ReaderAt) (k Key, b []byte) {
	b = make([]byte, keyAt)
	if _, err := f.ReadAt(b, 0); err != nil || string(b[:len(magic)]) != magic {
		return k, nil
	}
	n := little.Uint32(b[len(magic):])
	if n > mostKey {
		return k, nil
	}
	b = make([]byte, n)
	if _, err := f.ReadAt(b, int64(keyAt)); err != nil || n < 4 {
		return k, nil
	}
	path, rest := uint64(little.Uint32(b)), b[4:]
	if path+5*8 > uint64(len(rest)) {
		return k, nil
	}
	k.Path, rest = string(rest[:path]), rest[path:]
	at := func(i int) uint64 { return little.Uint64(rest[8*i:]) }
	k.ID = blockio.Identity{Dev: at(0), Ino: at(1), Size: int64(at(2)), Mtime: int64(at(3)), Ctime: int64(at(4))}
	k.Sample = string(rest[5*8:])
	return k, b
}

// readTable reads key and table of a file of so many bytes. The sections lie inside it, each behind the one before.
func readTable(f io.ReaderAt, size int64) (*table, error) {
	tail := make([]byte, tailBytes)
	if _, err := f.ReadAt(tail, size-int64(tailBytes)); size < int64(keyAt+tailBytes) || err != nil || string(tail[20:]) != magic {
		return nil, errDamaged
	}
	at, n := little.Uint64(tail), little.Uint64(tail[8:])
	if end := uint64(size - int64(tailBytes)); n > end/entryBytes || at != end-n*entryBytes {
		return nil, errDamaged
	}
	key, b := readKey(f)
	entries := make([]byte, n*entryBytes)
	if _, err := f.ReadAt(entries, int64(at)); err != nil || b == nil || crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, entries) != little.Uint32(tail[16:]) {
		return nil, errDamaged
	}
	t := &table{key: key, entries: make([]entry, n)}
	for i := range t.entries {
		b, e := entries[i*entryBytes:], &t.entries[i]
		*e = entry{ID{little.Uint64(b), little.Uint64(b[8:])}, int64(little.Uint64(b[16:])), int64(little.Uint64(b[24:])), little.Uint32(b[32:])}
		if e.at < 0 || e.n < 0 || e.at > int64(at) || e.n > int64(at)-e.at || i > 0 && t.entries[i-1].compare(e.ID) >= 0 {
			return nil, errDamaged
		}
	}
	return t, nil
}

func (t *table) find(id ID) (entry, bool) {
	i, ok := slices.BinarySearchFunc(t.entries, id, func(e entry, id ID) int { return e.compare(id) })
	if !ok {
		return entry{}, false
	}
	return t.entries[i], true
}

// read is a section of at most so many bytes.
func (t *table) read(f io.ReaderAt, id ID, most int64) ([]byte, error) {
	e, ok := t.find(id)
	if !ok || e.n > most {
		return nil, errDamaged
	}
	b := make([]byte, e.n)
	if _, err := f.ReadAt(b, e.at); err != nil {
		return nil, err
	}
	if crc32.Checksum(b, castagnoli) != e.sum {
		return nil, errDamaged
	}
	return b, nil
}

// write writes sections, and those of an old file (nil: none) that have other names.
func write(f *os.File, k Key, sections []Section, old *os.File, t *table) error {
	w := bufio.NewWriterSize(f, 1<<20)
	key := k.bytes()
	head := little.AppendUint32([]byte(magic), uint32(len(key)))
	at := int64(len(head) + len(key))
	_, err := w.Write(append(head, key...))
	var entries []entry
	fresh := map[ID]bool{}
	for _, s := range sections {
		b := s.Bytes()
		fresh[s.ID] = true
		entries = append(entries, entry{s.ID, at, int64(len(b)), crc32.Checksum(b, castagnoli)})
		_, e := w.Write(b)
		err, at = cmp.Or(err, e), at+int64(len(b))
	}
	if t != nil {
		for _, e := range t.entries {
			if fresh[e.ID] {
				continue
			}
			_, failed := io.Copy(w, io.NewSectionReader(old, e.at, e.n))
			err = cmp.Or(err, failed)
			e.at, at = at, at+e.n
			entries = append(entries, e)
		}
	}
	_, e := w.Write(tableBytes(key, entries, at))
	return cmp.Or(err, e, w.Flush())
}

// tableBytes is the end of a file, whose table lies at an address.
func tableBytes(key []byte, entries []entry, at int64) []byte {
	slices.SortFunc(entries, func(a, b entry) int { return a.compare(b.ID) })
	var b []byte
	for _, e := range entries {
		for _, n := range []uint64{e.Object, e.Part, uint64(e.at), uint64(e.n)} {
			b = little.AppendUint64(b, n)
		}
		b = little.AppendUint32(b, e.sum)
	}
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, b)
	b = little.AppendUint64(little.AppendUint64(b, uint64(at)), uint64(len(entries)))
	return append(little.AppendUint32(b, sum), magic...)
}
