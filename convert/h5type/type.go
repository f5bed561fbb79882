// Package h5type is the HDF5 datatype as plain values: what a datatype message (HDF5 File Format Specification
// version 3.0, IV.A.2.d) says, parsed, bounded and validated, with one canonical text form.
//
// A *Type is immutable once Parse has returned it and may be shared by goroutines. Parsing starts no goroutine, does
// no I/O and never panics, whatever the bytes.
package h5type

// Class is the datatype class, with the numbers of the file format.
type Class uint8

// The classes.
const (
	Integer   Class = 0
	Float     Class = 1
	Time      Class = 2
	String    Class = 3
	Bitfield  Class = 4
	Opaque    Class = 5
	Compound  Class = 6
	Reference Class = 7
	Enum      Class = 8
	VarLen    Class = 9
	Array     Class = 10
	Complex   Class = 11 // HDF5 2.0
)

// Order is the byte order of a number.
type Order uint8

// The byte orders.
const (
	LittleEndian Order = iota
	BigEndian
	VAX
)

// Pad is the padding of a fixed string.
type Pad uint8

// The paddings, with the numbers of the file format.
const (
	NullTerm Pad = 0
	NullPad  Pad = 1
	SpacePad Pad = 2
)

// RefKind is the kind of a reference.
type RefKind uint8

// The reference kinds, with the numbers of the file format.
const (
	RefObject  RefKind = 0
	RefRegion  RefKind = 1
	RefObject2 RefKind = 2 // HDF5 1.12 H5T_STD_REF
	RefRegion2 RefKind = 3
	RefAttr    RefKind = 4
)

// Type is one datatype. Fields that a class does not use are zero.
type Type struct {
	Class Class
	Size  int // bytes of one element in the file

	Order Order // Integer, Float, Time, Bitfield

	// Integer, Float, Time, Bitfield: where the value's bits lie in the element.
	BitOffset, Precision int
	Signed               bool // Integer

	// Float: positions count from the element's least significant bit.
	SignBit, ExpPos, ExpSize, MantPos, MantSize int
	ExpBias                                     uint32
	MantNorm                                    uint8 // 0 none, 1 always set, 2 implied

	// String, and VarLen when VarString.
	Pad       Pad
	UTF8      bool // character set: false ASCII, true UTF-8
	VarString bool // VarLen: a string rather than a sequence

	Tag     string // Opaque
	RefKind RefKind

	Members []Member    // Compound
	Values  []EnumValue // Enum, in the file's order
	Base    *Type       // Enum, VarLen, Array, Complex
	Dims    []int       // Array
}

// Member is a member of a compound.
type Member struct {
	Name   string // spelled (package spell)
	Offset int
	Type   *Type
}

// EnumValue is a named value of an enumeration; the raw bytes are in the base type's encoding.
type EnumValue struct {
	Name string // spelled
	Raw  []byte
}
