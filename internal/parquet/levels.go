package parquet

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
)

// leaf is a column of the file: the parts to take from a column of the schema to get at its values.
type leaf struct {
	column int
	steps  []step
}

// step is a level of nesting on the way to a leaf.
type step struct {
	kind     arrow.Type // STRUCT, a list, or the leaf's own type
	nullable bool
	child    int // of a struct
	width    int // of a fixed-size list
}

// leavesOf gives the columns of the file, in the order of its schema.
func leavesOf(s *arrow.Schema) (out []leaf) {
	for i, f := range s.Fields() {
		out = appendLeaves(out, i, nil, f)
	}
	return out
}

func appendLeaves(out []leaf, column int, way []step, f arrow.Field) []leaf {
	way = way[:len(way):len(way)] // siblings append to it too
	here := step{kind: f.Type.ID(), nullable: f.Nullable}
	switch t := f.Type.(type) {
	case *arrow.StructType:
		for i, part := range t.Fields() {
			here.child = i
			out = appendLeaves(out, column, append(way, here), part)
		}
		return out
	case *arrow.FixedSizeListType:
		here.width = int(t.Len())
		return appendLeaves(out, column, append(way, here), t.ElemField())
	case arrow.ListLikeType:
		return appendLeaves(out, column, append(way, here), t.ElemField())
	}
	here.nullable = here.nullable || here.kind == arrow.NULL
	return append(out, leaf{column, append(way, here)})
}

// shredded is a leaf's part of an array: Dremel's levels, nil where all is defined and where nothing is repeated, and where
// in the leaf's buffers its n values lie, the offset of data included: at those slots, or where that is nil from first on.
type shredded struct {
	data     arrow.ArrayData
	def, rep []int16
	at       []int32
	first, n int
	level    int16   // on the way, of all entries: while def and at are nil
	room     []int16 // for rep
}

// closed is where an entry has no slot further down: something above is null or an empty list.
const closed = -1

// shred takes an array apart. room is memory for levels that may be used.
func (l leaf) shred(data arrow.ArrayData, room []int16) (s shredded, err error) {
	if int64(data.Offset())+int64(data.Len()) > math.MaxInt32 {
		return s, fmt.Errorf("parquet: a batch of %d rows is too long", data.Len())
	}
	s = shredded{data: data, first: data.Offset(), n: data.Len(), room: room[:0]}
	depth := int16(0)
	for _, st := range l.steps {
		s.takeNulls(st)
		switch {
		case st.kind == arrow.STRUCT:
			s.into(st.child)
		case isList(st.kind):
			depth++
			if err := s.spread(st, depth); err != nil {
				return s, err
			}
			s.into(0)
		}
	}
	if s.def != nil {
		s.settle()
	}
	return s, nil
}

// open gives each entry a level and a slot of its own, since they are not alike any more.
func (s *shredded) open() {
	if s.def != nil {
		return
	}
	s.def, s.at = slices.Repeat([]int16{s.level}, s.n), make([]int32, s.n)
	for i := range s.at {
		s.at[i] = int32(s.first + i)
	}
}

func (s *shredded) entries() int {
	if s.def != nil {
		return len(s.def)
	}
	return s.n
}

// present is how many of the entries have a value.
func (s *shredded) present(from, to int, top int16) (n int) {
	if s.def == nil {
		return to - from
	}
	for _, def := range s.def[from:to] {
		if def == top {
			n++
		}
	}
	return n
}

func isList(t arrow.Type) bool {
	return t == arrow.LIST || t == arrow.LARGE_LIST || t == arrow.FIXED_SIZE_LIST
}

// takeNulls closes the entries that are null here; the others are defined one level further.
func (s *shredded) takeNulls(st step) {
	if !st.nullable {
		return
	}
	valid := validity(s.data)
	if s.def == nil && valid == nil && st.kind != arrow.NULL {
		s.level++
		return
	}
	s.open()
	for i, at := range s.at {
		switch {
		case at == closed:
		case st.kind == arrow.NULL || valid != nil && !bitutil.BitIsSet(valid, int(at)):
			s.at[i] = closed
		default:
			s.def[i]++
		}
	}
}

// validity is the bitmap of an array, nil where it has no nulls.
func validity(d arrow.ArrayData) []byte {
	if b := d.Buffers(); len(b) > 0 && b[0] != nil && b[0].Len() > 0 {
		return b[0].Bytes()
	}
	return nil
}

// into goes from slots of an array to those of a part of it.
func (s *shredded) into(child int) {
	s.data = s.data.Children()[child]
	offset := int32(s.data.Offset())
	s.first += int(offset)
	if offset == 0 || s.def == nil {
		return
	}
	for i, at := range s.at {
		if at != closed {
			s.at[i] = at + offset
		}
	}
}

// spread makes an entry of every element of the lists; an empty list stays one that is not defined further.
func (s *shredded) spread(st step, depth int16) error {
	bounds, err := boundsOf(s.data, st)
	if err != nil {
		return err
	}
	if s.def == nil && s.spreadEven(bounds, depth) {
		return nil
	}
	s.open()
	total := 0
	for _, at := range s.at {
		if at != closed {
			from, to := bounds(int(at))
			total += to - from
		}
	}
	out := shredded{data: s.data, def: make([]int16, 0, total), rep: make([]int16, 0, total), at: make([]int32, 0, total)}
	for i, at := range s.at {
		rep := int16(0)
		if s.rep != nil {
			rep = s.rep[i]
		}
		from, to := 0, 0
		if at != closed {
			from, to = bounds(int(at))
		}
		out.add(s.def[i], rep, depth, from, to)
	}
	*s = out
	return nil
}

// spreadEven is spread where no list is empty: all elements are defined, one after the other. It tells whether that is so.
func (s *shredded) spreadEven(bounds func(int) (int, int), depth int16) bool {
	if s.n == 0 {
		return false
	}
	begin, _ := bounds(s.first)
	_, end := bounds(s.first + s.n - 1)
	rep := slices.Grow(s.room, end-begin)[:end-begin]
	s.room = nil
	for i := range rep {
		rep[i] = depth
	}
	for i := range s.n {
		from, to := bounds(s.first + i)
		if from == to {
			return false
		}
		rep[from-begin] = 0
		if s.rep != nil {
			rep[from-begin] = s.rep[i]
		}
	}
	s.rep, s.first, s.n = rep, begin, end-begin
	s.level++
	return true
}

// add puts the elements of one list, or what stands for there being none.
func (s *shredded) add(def, rep, depth int16, from, to int) {
	if from == to {
		s.def, s.rep, s.at = append(s.def, def), append(s.rep, rep), append(s.at, closed)
		return
	}
	for slot := from; slot < to; slot++ {
		s.def, s.rep, s.at = append(s.def, def+1), append(s.rep, rep), append(s.at, int32(slot))
		rep = depth
	}
}

// boundsOf tells by slot where a list's elements are in its child, without the child's own offset.
func boundsOf(d arrow.ArrayData, st step) (func(slot int) (from, to int), error) {
	if d.Children()[0].Len()+d.Children()[0].Offset() > math.MaxInt32 {
		return nil, fmt.Errorf("parquet: %d elements of lists in one batch are too many: ask for smaller ones by --batch-rows", d.Children()[0].Len())
	}
	switch st.kind {
	case arrow.FIXED_SIZE_LIST:
		return func(slot int) (int, int) { return slot * st.width, (slot + 1) * st.width }, nil
	case arrow.LARGE_LIST:
		offsets := arrow.Int64Traits.CastFromBytes(d.Buffers()[1].Bytes())
		return func(slot int) (int, int) { return int(offsets[slot]), int(offsets[slot+1]) }, nil
	}
	offsets := arrow.Int32Traits.CastFromBytes(d.Buffers()[1].Bytes())
	return func(slot int) (int, int) { return int(offsets[slot]), int(offsets[slot+1]) }, nil
}

// settle drops the entries without a value from at, and at itself where the values lie side by side.
func (s *shredded) settle() {
	kept := s.at[:0]
	for _, at := range s.at {
		if at != closed {
			kept = append(kept, at)
		}
	}
	s.at, s.n = kept, len(kept)
	for i, at := range kept {
		if at != kept[0]+int32(i) {
			return
		}
	}
	if s.n > 0 {
		s.first = int(kept[0])
	}
	s.at = nil
}
