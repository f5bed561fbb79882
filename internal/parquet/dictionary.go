package parquet

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// table is a hash table of indexes, linear probing. A slot has an index + 1, 0 is free; the values lie elsewhere.
type table struct {
	slots []int32
	count int
}

var (
	seed = maphash.MakeSeed()
	salt = maphash.Bytes(seed, nil) // files that want their values to collide do not know it
)

// hashed spreads the bits of a number.
func hashed(v uint64) uint64 {
	high, low := bits.Mul64(v^salt, 0x9e3779b97f4a7c15^salt<<1)
	return high ^ low
}

// full tells that the table has to grow before something is added.
func (t *table) full() bool { return 8*t.count >= 5*len(t.slots) }

// grow doubles the table, by the hash of an index's value.
func (t *table) grow(hash func(index int32) uint64) {
	t.slots = make([]int32, max(1024, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for index := range int32(t.count) {
		at := hash(index) & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = index + 1
	}
}

// numberTable indexes values by their bits: zeros of either sign and NaNs stay what they are.
type numberTable[T uint32 | uint64] struct {
	table
	values []T
}

// look appends the indexes of values; those that are new get the next ones.
func (d *numberTable[T]) look(out []int32, values []T) []int32 {
	for _, v := range values {
		if d.full() {
			d.grow(func(index int32) uint64 { return hashed(uint64(d.values[index])) })
		}
		out = append(out, d.index(v))
	}
	return out
}

func (d *numberTable[T]) index(v T) int32 {
	mask := uint64(len(d.slots) - 1)
	for at := hashed(uint64(v)) & mask; ; at = (at + 1) & mask {
		slot := d.slots[at]
		if slot == 0 {
			d.values = append(roomy(d.values, 1), v)
			d.count++
			d.slots[at] = int32(d.count)
			return int32(d.count - 1)
		}
		if d.values[slot-1] == v {
			return slot - 1
		}
	}
}

// textTable indexes values of bytes. They lie in the plain encoding of the dictionary's page.
type textTable struct {
	table
	plain  []byte
	bounds []textBounds
}

type textBounds struct{ from, to int }

func (d *textTable) value(index int32) []byte {
	b := d.bounds[index]
	return d.plain[b.from:b.to]
}

// index is that of v, which is appended by put where it is new.
func (d *textTable) index(v []byte, put func(out, v []byte) []byte) int32 {
	if d.full() {
		d.grow(func(index int32) uint64 { return maphash.Bytes(seed, d.value(index)) })
	}
	mask := uint64(len(d.slots) - 1)
	for at := maphash.Bytes(seed, v) & mask; ; at = (at + 1) & mask {
		slot := d.slots[at]
		if slot == 0 {
			d.plain = put(d.plain, v)
			d.bounds = append(d.bounds, textBounds{len(d.plain) - len(v), len(d.plain)})
			d.count++
			d.slots[at] = int32(d.count)
			return int32(d.count - 1)
		}
		if bytes.Equal(d.value(slot-1), v) {
			return slot - 1
		}
	}
}
