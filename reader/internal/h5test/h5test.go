// Package h5test writes small HDF5 files for tests byte by byte, also such as no library writes: structures that refer to
// themselves, counts that are wrong. Addresses and lengths have eight bytes. Only tests import it.
//
// File is the one type to know. It is not safe for concurrent use.
package h5test

import (
	"encoding/binary"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Undefined is the address of nothing.
const Undefined = h5file.Undefined

// File is a file in the making.
type File struct{ bytes []byte }

// superblock is the bytes of a superblock of version 2.
const superblock = 48

// New is a file with room for the superblock.
func New() *File { return &File{make([]byte, superblock)} }

// Put appends bytes, at an address that is a multiple of eight.
func (f *File) Put(parts ...[]byte) uint64 {
	addr := f.Next()
	f.bytes = append(f.bytes, make([]byte, addr-uint64(len(f.bytes)))...)
	f.bytes = append(f.bytes, Join(parts...)...)
	return addr
}

// Next is where Put will put.
func (f *File) Next() uint64 { return (uint64(len(f.bytes)) + 7) &^ 7 }

// Finish writes the superblock and gives the file.
func (f *File) Finish(root, extension uint64) []byte {
	head := Join([]byte("\x89HDF\r\n\x1a\n\x02\x08\x08\x00"), U64(0, extension, uint64(len(f.bytes)), root))
	copy(f.bytes, Checked(head))
	return f.bytes
}

// Join is the parts one behind the other.
func Join(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// U64 is little-endian numbers.
func U64(v ...uint64) (out []byte) {
	for _, x := range v {
		out = binary.LittleEndian.AppendUint64(out, x)
	}
	return out
}

// U32 is little-endian numbers.
func U32(v ...uint32) (out []byte) {
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, x)
	}
	return out
}

// U16 is little-endian numbers.
func U16(v ...uint16) (out []byte) {
	for _, x := range v {
		out = binary.LittleEndian.AppendUint16(out, x)
	}
	return out
}

// Checked is b with its checksum.
func Checked(b []byte) []byte { return append(b, U32(h5file.Checksum(b))...) }

// Message is a header message of version 1.
func Message(typ h5file.MessageType, flags byte, data []byte) []byte {
	data = append(data, make([]byte, -len(data)&7)...)
	return Join(U16(uint16(typ), uint16(len(data))), []byte{flags, 0, 0, 0}, data)
}

// Header puts an object header of version 1.
func (f *File) Header(messages ...[]byte) uint64 {
	m := Join(messages...)
	return f.Put([]byte{1, 0}, U16(uint16(len(messages))), U32(1, uint32(len(m)), 0), m)
}

// LocalHeap puts a local heap with its data.
func (f *File) LocalHeap(data []byte) uint64 {
	at := f.Put(data)
	return f.Put([]byte("HEAP\x00\x00\x00\x00"), U64(uint64(len(data)), Undefined, at))
}

// Node puts a node of a B-tree version 1 of groups; keys are zero.
func (f *File) Node(level byte, children ...uint64) uint64 {
	b := Join([]byte("TREE\x00"), []byte{level}, U16(uint16(len(children))), U64(Undefined, Undefined, 0))
	for _, c := range children {
		b = append(b, U64(c, 0)...)
	}
	return f.Put(b)
}

// Symbol is an entry of a symbol table: a hard link to addr whose name lies in the heap.
type Symbol struct{ Name, Addr uint64 }

// Symbols puts a symbol table node.
func (f *File) Symbols(entries ...Symbol) uint64 {
	b := Join([]byte("SNOD\x01\x00"), U16(uint16(len(entries))))
	for _, e := range entries {
		b = append(b, U64(e.Name, e.Addr, 0, 0, 0)...)
	}
	return f.Put(b)
}

// SymbolTable is the message of a group.
func SymbolTable(tree, heap uint64) []byte { return Message(h5file.MsgSymbolTable, 0, U64(tree, heap)) }

// Heap is the header of a fractal heap.
type Heap struct {
	Width, Rows, IDLength uint16
	Start, Most           uint64
	Root, Huge            uint64
	Pipeline              []byte // a filter message; none: no filters
	RootStored            uint64 // bytes, with filters
}

// Heap puts a fractal heap's header.
func (f *File) Heap(h Heap) uint64 {
	b := Join([]byte("FRHP\x00"), U16(h.IDLength, uint16(len(h.Pipeline))), []byte{2}, U32(4096), U64(0, h.Huge, 0, Undefined), U64(make([]uint64, 8)...),
		U16(h.Width), U64(h.Start, h.Most), U16(32, 0), U64(h.Root), U16(h.Rows))
	if h.Pipeline != nil {
		b = Join(b, U64(h.RootStored), U32(0), h.Pipeline)
	}
	return f.Put(Checked(b))
}

// Tree2 puts a B-tree version 2 of one leaf.
func (f *File) Tree2(typ byte, size uint16, records ...[]byte) uint64 {
	leaf := f.Put(Checked(Join([]byte("BTLF\x00"), []byte{typ}, Join(records...))))
	return f.Tree2Header(typ, size, 0, leaf, uint16(len(records)), uint32(10+int(size)*max(len(records), 1)))
}

// Tree2Header puts the header of a B-tree version 2.
func (f *File) Tree2Header(typ byte, size, depth uint16, root uint64, records uint16, node uint32) uint64 {
	return f.Put(Checked(Join([]byte("BTHD\x00"), []byte{typ}, U32(node), U16(size, depth), []byte{100, 40}, U64(root), U16(records), U64(uint64(records)))))
}

// Managed is the id of an object in the blocks of a heap that Heap wrote.
func Managed(offset uint64, size uint16, length int) []byte {
	return Join([]byte{0}, U64(offset)[:4], U16(size), make([]byte, 8))[:length]
}

// HugeID is the id of an object by itself, by its key.
func HugeID(key uint64, length int) []byte { return Join([]byte{0x10}, U64(key))[:length] }

// Attribute is an attribute message of version 3; flags say which of type and space are shared.
func Attribute(name string, flags byte, typ, space, data []byte) []byte {
	return Join([]byte{3, flags}, U16(uint16(len(name)+1), uint16(len(typ)), uint16(len(space))), []byte{0}, []byte(name), []byte{0}, typ, space, data)
}

// Space is a dataspace message of version 2; without dims that of a scalar.
func Space(dims ...uint64) []byte {
	class := byte(1)
	if len(dims) == 0 {
		class = 0
	}
	return Join([]byte{2, byte(len(dims)), 0, class}, U64(dims...))
}

// Link is a hard link's message.
func Link(name string, addr uint64) []byte {
	return Join([]byte{1, 2}, U32(uint32(len(name))), []byte(name), U64(addr))
}

// LinkInfo is the message of a group with links in a heap; AttributeInfo that of an object with attributes in one.
func LinkInfo(heap, names uint64) []byte {
	return Message(h5file.MsgLinkInfo, 0, Join([]byte{0, 0}, U64(heap, names)))
}

// AttributeInfo is the message of an object with attributes in a heap.
func AttributeInfo(heap, names uint64) []byte {
	return Message(h5file.MsgAttributeInfo, 0, Join([]byte{0, 0}, U64(heap, names)))
}

// Collection puts a collection of the global heap with one object.
func (f *File) Collection(object []byte) uint64 {
	object = append(object, make([]byte, -len(object)&7)...)
	size := max(16+16+len(object)+16, 4096)
	b := Join([]byte("GCOL\x01\x00\x00\x00"), U64(uint64(size)), U16(1, 1), U32(0), U64(uint64(len(object))), object)
	return f.Put(b, make([]byte, size-len(b)))
}

// Int8 is the datatype message of signed bytes; VarLen, VarString of what lies in the global heap.
var (
	Int8      = []byte("\x10\x08\x00\x00\x01\x00\x00\x00\x00\x00\x08\x00")
	VarString = Join([]byte("\x19\x01\x01\x00\x10\x00\x00\x00"), Int8)
)

// VarLen is the datatype message of lists.
func VarLen(base []byte) []byte { return Join([]byte("\x19\x00\x00\x00\x10\x00\x00\x00"), base) }

// Element is one of variable length: object 1 of a collection.
func Element(count uint32, collection uint64) []byte {
	return Join(U32(count), U64(collection), U32(1))
}
