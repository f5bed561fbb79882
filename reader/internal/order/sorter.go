package order

import (
	"bytes"
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

// What the sorter needs in memory for a row: a pair and room to move it to, or a word with the same and its string.
const (
	pairBytes = 2 * 16
	wordBytes = 2*40 + pairBytes
)

// sorter puts rows in the order of keys within a number of bytes, spilling sorted runs to disk when they are full.
// Rows of equal keys stay as they came.
type sorter struct {
	room  int64 // bytes
	used  int64
	pairs []pair
	spare []pair // room to move pairs to
	words []word
	moved []word      // room to move words to
	disk  *sortedRuns // nil: nothing was spilled yet
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

// prefixed is what a prefix holds of a string.
type prefixed [8]byte

// prefix orders as the strings do, as far as it goes.
func prefix(key []byte) uint64 {
	var b prefixed
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// flush sorts what is in memory and writes it to disk.
func (s *sorter) flush() (err error) {
	if s.disk == nil {
		if s.disk, err = newSortedRuns(); err != nil {
			return err
		}
	}
	var b [8]byte
	for _, p := range s.sorted() {
		binary.BigEndian.PutUint64(b[:], p.key)
		s.disk.put(b[:], p.row)
	}
	for _, w := range s.sortedWords() {
		s.disk.put(w.key, w.row)
	}
	clear(s.words)
	clear(s.moved)
	s.pairs, s.words, s.used = s.pairs[:0], s.words[:0], 0
	return s.disk.endRun()
}

// each calls use with the rows in order, from the first on, until it has enough; key is that of numbers.
func (s *sorter) each(ctx context.Context, use func(at pair) (more bool, err error)) error {
	if s.disk != nil {
		if err := s.flush(); err != nil {
			return err
		}
		s.pairs, s.spare, s.words, s.moved = nil, nil, nil, nil
		return s.disk.merge(ctx, s.room, use)
	}
	for _, p := range s.sorted() {
		if more, err := use(p); !more || err != nil {
			return err
		}
	}
	for _, w := range s.sortedWords() {
		if more, err := use(pair{row: w.row}); !more || err != nil {
			return err
		}
	}
	return nil
}

func (s *sorter) Close() {
	if s.disk != nil {
		s.disk.Close()
	}
}

// sorted puts the pairs in order.
func (s *sorter) sorted() []pair {
	if cap(s.spare) < len(s.pairs) {
		s.spare = make([]pair, len(s.pairs))
	}
	return sortPairs(s.pairs, s.spare[:len(s.pairs)])
}

// sortPairs sorts by key, stably, by its bytes from the last to the first; bytes that are all equal cost nothing. The
// result lies in a or in spare, which is as long.
func sortPairs(a, spare []pair) []pair {
	var counts [8][256]int
	for _, p := range a {
		for d := range counts {
			counts[d][byte(p.key>>(8*d))]++
		}
	}
	from, to := a, spare
	for d := range counts {
		if len(a) == 0 || counts[d][byte(a[0].key>>(8*d))] == len(a) {
			continue
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

// sortedWords puts the words in order, stably: by the prefixes first, as numbers, then what they leave open.
func (s *sorter) sortedWords() []word {
	if len(s.words) == 0 {
		return nil // pairs are all there is
	}
	for i, w := range s.words {
		s.pairs = append(s.pairs, pair{w.prefix, int64(i)})
	}
	out := s.moved[:0]
	for _, p := range s.sorted() {
		out = append(out, s.words[p.row])
	}
	s.pairs, s.moved = s.pairs[:0], out
	for lo := 0; lo < len(out); {
		hi, long := lo+1, len(out[lo].key) > len(prefixed{})
		for ; hi < len(out) && out[hi].prefix == out[lo].prefix; hi++ {
			long = long || len(out[hi].key) > len(prefixed{})
		}
		if long {
			slices.SortStableFunc(out[lo:hi], func(x, y word) int { return bytes.Compare(x.key, y.key) })
		}
		lo = hi
	}
	return out
}
