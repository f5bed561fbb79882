package h5c

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"sort"
)

// Datatype classes of the file format with properties of their own (specification IV.A.2.d).
const (
	classFixed, classFloat, classTime, classString, classBitfield = 0, 1, 2, 3, 4
	classOpaque, classCompound, classReference, classEnum         = 5, 6, 7, 8
	classVarLen, classArray                                       = 9, 10
)

var errMessage = errors.New("datatype message not understood")

// onDisk turns an encoded datatype from libhdf5's layout in memory into the file's. A variable-length part is a pointer
// in memory but length, heap address and index in the file (4 + size of address + 4); members behind it move, gaps stay.
func onDisk(message []byte, addrSize int) ([]byte, error) {
	r := relayout{in: message, heap: uint32(8 + addrSize)}
	t, err := r.read(maxTypeDepth)
	if err != nil {
		return nil, err
	}
	return t.message, nil
}

type relayout struct {
	in   []byte
	heap uint32
}

// laid is a rewritten type with its size before and after.
type laid struct {
	message     []byte
	memory, now uint32
}

func (r *relayout) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.in) {
		return nil, errMessage
	}
	b := r.in[:n]
	r.in = r.in[n:]
	return b, nil
}

func (r *relayout) read(depth int) (laid, error) {
	head, err := r.take(8)
	if err != nil || depth == 0 {
		return laid{}, errMessage
	}
	size := binary.LittleEndian.Uint32(head[4:])
	t := laid{message: bytes.Clone(head), memory: size, now: size}
	switch head[0] & 15 {
	case classVarLen:
		t.now = r.heap
		err = r.base(&t, depth)
	case classArray:
		err = r.array(&t, depth)
	case classEnum:
		err = r.enum(&t, depth)
	case classCompound:
		err = r.compound(&t, depth)
	default:
		err = r.copy(&t, head)
	}
	binary.LittleEndian.PutUint32(t.message[4:], t.now)
	return t, err
}

func (r *relayout) copy(t *laid, head []byte) error {
	n := map[byte]int{classFixed: 4, classFloat: 12, classTime: 2, classString: 0, classBitfield: 4,
		classOpaque: int(head[1]), classReference: 0}
	size, ok := n[head[0]&15]
	if !ok {
		return errMessage
	}
	b, err := r.take(size)
	t.message = append(t.message, b...)
	return err
}

func (r *relayout) base(t *laid, depth int) error {
	base, err := r.read(depth - 1)
	t.message = append(t.message, base.message...)
	return err
}

func (r *relayout) array(t *laid, depth int) error {
	if len(r.in) < 1 {
		return errMessage
	}
	n := 1 + 4*int(r.in[0])
	if t.message[0]>>4 < 3 { // with three reserved bytes and permutations
		n = 4 + 8*int(r.in[0])
	}
	dims, err := r.take(n)
	if err != nil {
		return err
	}
	base, err := r.read(depth - 1)
	if err != nil || base.memory == 0 {
		return errMessage
	}
	t.now = t.memory / base.memory * base.now
	t.message = append(append(t.message, dims...), base.message...)
	return nil
}

func (r *relayout) enum(t *laid, depth int) error {
	base, err := r.read(depth - 1)
	if err != nil {
		return err
	}
	t.message = append(t.message, base.message...)
	n := int(binary.LittleEndian.Uint16(t.message[1:]))
	for range n {
		name, err := r.name(t.message[0] >> 4)
		if err != nil {
			return err
		}
		t.message = append(t.message, name...)
	}
	values, err := r.take(n * int(base.memory))
	t.message = append(t.message, values...)
	return err
}

// name takes a NUL-terminated name, padded to a multiple of eight before version 3.
func (r *relayout) name(version byte) ([]byte, error) {
	n := bytes.IndexByte(r.in, 0) + 1
	if n == 0 {
		return nil, errMessage
	}
	if version < 3 {
		n = (n + 7) &^ 7
	}
	return r.take(n)
}

type laidMember struct {
	name, dims  []byte
	offset, now uint32
	t           laid
}

func (r *relayout) compound(t *laid, depth int) error {
	version := t.message[0] >> 4
	members := make([]laidMember, binary.LittleEndian.Uint16(t.message[1:]))
	for i := range members {
		var err error
		if members[i], err = r.member(version, t.memory, depth); err != nil {
			return err
		}
	}
	t.now = move(members, t.memory)
	for _, m := range members {
		t.message = append(t.message, m.name...)
		t.message = append(t.message, offsetBytes(version, m.now, t.now)...)
		t.message = append(append(t.message, m.dims...), m.t.message...)
	}
	return nil
}

func (r *relayout) member(version byte, size uint32, depth int) (laidMember, error) {
	var m laidMember
	var err error
	if m.name, err = r.name(version); err != nil {
		return m, err
	}
	b, err := r.take(len(offsetBytes(version, 0, size)))
	if err != nil {
		return m, err
	}
	var offset [4]byte
	copy(offset[:], b)
	m.offset = binary.LittleEndian.Uint32(offset[:])
	if version == 1 {
		if m.dims, err = r.take(28); err != nil {
			return m, err
		}
	}
	m.t, err = r.read(depth - 1)
	return m, err
}

// move gives each member its offset in the file and returns the compound's size there.
func move(members []laidMember, size uint32) uint32 {
	order := make([]int, len(members))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return members[order[a]].offset < members[order[b]].offset })
	var shift uint32 // modulo 2^32: may stand for a negative number
	for _, i := range order {
		members[i].now = members[i].offset + shift
		shift += members[i].t.now - members[i].t.memory
	}
	return size + shift
}

// offsetBytes encodes a member's offset: four bytes, from version 3 as few as the compound's size needs.
func offsetBytes(version byte, offset, size uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, offset)
	if version < 3 {
		return b
	}
	return b[:max(1, (bits.Len32(size)+7)/8)]
}
