package reader

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// pair is a number as a key with the row it came from.
type pair struct {
	key uint64
	row int64
}

// word is a byte string with the row it came from; prefix is its first bytes as a number.
type word struct {
	prefix uint64
	key    []byte
	row    int64
}

// What the sorter needs in memory for a row: a pair and room to move it to, or a word with its string.
const (
	pairBytes = 2 * 16
	wordBytes = 40
)

// sorter puts rows in the order of keys within a number of bytes, spilling sorted runs to disk when they are full.
// Rows of equal keys stay as they came.
type sorter struct {
	room  int64 // bytes
	used  int64
	pairs []pair
	words []word
	disk  *spill // nil: nothing spilled yet
}

// newSorter expects about rows keys.
func newSorter(room, rows int64, strings bool) *sorter {
	s := &sorter{room: room}
	if !strings {
		s.pairs = make([]pair, 0, max(1, min(rows, room/pairBytes)))
	}
	return s
}

// add takes keys with their rows. Byte strings are kept, not copied.
func (s *sorter) add(k ptindex.Keys, rows []int64) error {
	for i, key := range k.Num {
		if len(s.pairs) == cap(s.pairs) {
			if err := s.flush(); err != nil {
				return err
			}
		}
		s.pairs = append(s.pairs, pair{key, rows[i]})
	}
	for i, key := range k.Str {
		need := int64(wordBytes + len(key))
		if s.used+need > s.room && len(s.words) > 0 {
			if err := s.flush(); err != nil {
				return err
			}
		}
		s.used += need
		s.words = append(s.words, word{prefix(key), key, rows[i]})
	}
	return nil
}

// prefix orders as the strings do, as far as it goes.
func prefix(key []byte) uint64 {
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// flush sorts what is in memory and writes it to disk.
func (s *sorter) flush() (err error) {
	if s.disk == nil {
		if s.disk, err = newSpill(); err != nil {
			return err
		}
	}
	var b [8]byte
	for _, p := range sortPairs(s.pairs) {
		binary.BigEndian.PutUint64(b[:], p.key)
		s.disk.put(b[:], p.row)
	}
	for _, w := range sortWords(s.words) {
		s.disk.put(w.key, w.row)
	}
	clear(s.words)
	s.pairs, s.words, s.used = s.pairs[:0], s.words[:0], 0
	return s.disk.endRun()
}

// each calls use with the rows in order, from the first on, until it has enough.
func (s *sorter) each(ctx context.Context, use func(row int64) (more bool, err error)) error {
	if s.disk != nil {
		if err := s.flush(); err != nil {
			return err
		}
		s.pairs, s.words = nil, nil
		return s.disk.merge(ctx, s.room, use)
	}
	for _, p := range sortPairs(s.pairs) {
		if more, err := use(p.row); !more || err != nil {
			return err
		}
	}
	for _, w := range sortWords(s.words) {
		if more, err := use(w.row); !more || err != nil {
			return err
		}
	}
	return nil
}

func (s *sorter) close() {
	if s.disk != nil {
		s.disk.close()
	}
}

// sortPairs sorts by key, stably, by its bytes from the last to the first; bytes that are all equal cost nothing. The
// result may lie in memory of its own.
func sortPairs(a []pair) []pair {
	var counts [8][256]int
	for _, p := range a {
		for d := range counts {
			counts[d][byte(p.key>>(8*d))]++
		}
	}
	from, to := a, []pair(nil)
	for d := range counts {
		if len(a) == 0 || counts[d][byte(a[0].key>>(8*d))] == len(a) {
			continue
		}
		if to == nil {
			to = make([]pair, len(a))
		}
		distribute(from, to, &counts[d], 8*d)
		from, to = to, from
	}
	return from
}

// distribute moves pairs to the places of their byte at shift; counts become places.
func distribute(from, to []pair, counts *[256]int, shift int) {
	at := 0
	for i, n := range counts {
		counts[i] = at
		at += n
	}
	for _, p := range from {
		k := byte(p.key >> shift)
		to[counts[k]] = p
		counts[k]++
	}
}

func sortWords(a []word) []word {
	slices.SortStableFunc(a, func(x, y word) int {
		if x.prefix != y.prefix {
			return cmp.Compare(x.prefix, y.prefix)
		}
		return bytes.Compare(x.key, y.key)
	})
	return a
}
