package blockcache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
)

// The file: a page with magic, the number of entries and the XXH3 of both; the table; from a multiple of 4 KiB on the blocks, each in
// BlockSize bytes. An entry: the key, XXH3 (128 bits) of the block, its length; XXH3 of all that; when it was used, in seconds. Numbers are
// little-endian.
const (
	magic      = "mtfblok1"
	headBytes  = len(magic) + 8 + 8
	page       = 4 << 10
	entryBytes = 64
	ways       = 16 // entries of a set
	setBytes   = ways * entryBytes
)

var little = binary.LittleEndian

// entry is what the table says of a block.
type entry struct {
	key    Key
	sum    xxh3.Uint128
	length uint32
	used   uint32
}

func (e entry) bytes() []byte {
	b := append(make([]byte, 0, entryBytes), e.key[:]...)
	b = little.AppendUint32(little.AppendUint64(little.AppendUint64(b, e.sum.Hi), e.sum.Lo), e.length)
	return little.AppendUint32(little.AppendUint64(b, xxh3.Hash(b)), e.used)
}

const usedAt = 60 // where in an entry

// entryOf is the entry that 64 bytes are, if they are one.
func entryOf(b []byte) (e entry, ok bool) {
	if xxh3.Hash(b[:52]) != little.Uint64(b[52:]) {
		return e, false
	}
	copy(e.key[:], b)
	e.sum = xxh3.Uint128{Hi: little.Uint64(b[32:]), Lo: little.Uint64(b[40:])}
	e.length, e.used = little.Uint32(b[48:]), little.Uint32(b[usedAt:])
	return e, e.length <= BlockSize
}

// firstBlock is where blocks begin behind so many entries.
func firstBlock(entries int64) int64 { return (page + entries*entryBytes + page - 1) / page * page }

// entriesFor is how many entries, and blocks, a file of so many bytes has.
func entriesFor(bytes int64) int64 {
	n := (bytes - 2*page) / (BlockSize + entryBytes)
	return n - n%ways
}

func head(entries int64) []byte {
	b := little.AppendUint64([]byte(magic), uint64(entries))
	return little.AppendUint64(b, xxh3.Hash(b))
}

// entriesOf is how many entries a file says that it has; 0: it is none.
func entriesOf(f *os.File) int64 {
	b := make([]byte, headBytes)
	if _, err := f.ReadAt(b, 0); err != nil || string(b[:len(magic)]) != magic || xxh3.Hash(b[:len(magic)+8]) != little.Uint64(b[len(magic)+8:]) {
		return 0
	}
	n := int64(little.Uint64(b[len(magic):]))
	info, err := f.Stat()
	if err != nil || n < ways || n%ways != 0 || n > info.Size()/BlockSize || info.Size() != firstBlock(n)+n*BlockSize {
		return 0
	}
	return n
}

// build gives a file that nobody uses its size, and forgets what was in it.
func build(f *os.File, entries int64) error {
	err := f.Truncate(0)
	if err == nil {
		err = f.Truncate(firstBlock(entries) + entries*BlockSize)
	}
	if err == nil {
		_, err = f.WriteAt(head(entries), 0)
	}
	return err
}

// lock takes or gives up a lock of the open file on some bytes, and does not wait: locks of the process would be all its engines'.
func lock(f *os.File, kind int16, at, n int64) error {
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: at, Len: n})
}

// settle has the file be a cache, of as many entries where nobody else uses it; what it has is returned. Whoever uses it holds a
// shared lock of its head.
func settle(f *os.File, entries int64) (int64, error) {
	for range 100 {
		err := lock(f, unix.F_WRLCK, 0, 1)
		if err == nil {
			if entriesOf(f) != entries {
				err = build(f, entries)
			}
			return entries, errors.Join(err, lock(f, unix.F_RDLCK, 0, 1))
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return 0, fmt.Errorf("%s cannot be locked: %w", f.Name(), err)
		}
		if lock(f, unix.F_RDLCK, 0, 1) == nil {
			if n := entriesOf(f); n > 0 {
				return n, nil
			}
		}
		time.Sleep(10 * time.Millisecond) // somebody makes it
	}
	return 0, fault.New(fault.Unavailable, "%s is being made by another program: try again", f.Name())
}
