package convert

import (
	"math"
	"slices"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
)

// Kind is what docs/protocol.md calls the kind of a dataset.
type Kind string

// The kinds.
const (
	Table   Kind = "table"
	Array   Kind = "array"
	VLArray Kind = "vlarray"
)

// Source says what one row of a dataset is.
type Source struct {
	Name       string       // the column's name where the dataset is no table: the last part of its path, spelled (package spell)
	Type       *h5type.Type // validated, as h5type.Parse gives it
	Inner      []int        // extents of the axes after the first
	Class      string       // PyTables CLASS attribute ("TABLE", "ARRAY", "CARRAY", "EARRAY", "VLARRAY"), else ""
	Wrote      bool         // PyTables wrote the file, not only something with such a CLASS
	Pseudo     string       // "vlstring", "vlunicode", "object" for PyTables VLArrays of those atoms, else ""
	OffsetSize int          // bytes of an address in the file: 8, 4 or 2
	Missing    []any        // numbers (int64, uint64, float64) that stand for none, if Options.NetCDF asks for it
	MissingErr error        // why Missing is not known, which Options.NetCDF is refused with
	Attributes string       // as JSON, for the field's metadata then; ""
}

// Column is something that a request may name: a member of a table, nested by "/", or an array itself.
type Column struct {
	Name string
	Type *h5type.Type

	offset int // in the dataset's element
}

// AsksWhoWrote reports whether Wrote changes values: of strings that the type calls null-terminated. PyTables calls all
// of its strings so and means NumPy's, whose NULs count but at the end; HDF5's own table interface writes a CLASS too,
// and has anything behind the NUL.
func (s Source) AsksWhoWrote() bool { return s.pytables() && s.Type.HasNullTerminated() }

// pytables reports whether the dataset is of a CLASS of PyTables': an 8-bit bitfield means a truth value here.
func (s Source) pytables() bool {
	switch s.Class {
	case "TABLE", "ARRAY", "CARRAY", "EARRAY", "VLARRAY":
		return true
	}
	return false
}

func isList(t *h5type.Type) bool { return t.Class == h5type.VarLen && !t.VarString }

func isPair(t *h5type.Type) bool { return t.Class == h5type.Complex || t.IsComplexPair() }

// Kind is table for compounds (not for complex numbers, but for a PyTables Table that looks like one), vlarray for
// variable-length sequences, else array.
func (s Source) Kind() Kind {
	switch {
	case isList(s.Type):
		return VLArray
	case s.Type.Class == h5type.Compound && (s.Class == "TABLE" || !s.Type.IsComplexPair()):
		return Table
	}
	return Array
}

// pseudo is the pseudo atom, where the type can hold one.
func (s Source) pseudo() string {
	switch s.Pseudo {
	case "vlstring", "vlunicode", "object":
		if isList(s.Type) {
			return s.Pseudo
		}
	}
	return ""
}

// Columns lists every name that a request may use, members of nested compounds after their compound. The caller must
// not change the types.
func (s Source) Columns() []Column {
	if s.Type == nil { // of what is put together of other datasets
		return nil
	}
	if s.Kind() != Table {
		return []Column{{Name: s.Name, Type: s.Type}}
	}
	return members(nil, s.Type, "", 0)
}

// members goes no deeper than types may nest.
func members(out []Column, t *h5type.Type, prefix string, offset int) []Column {
	for _, m := range t.Members {
		c := Column{prefix + m.Name, m.Type, offset + m.Offset}
		out = append(out, c)
		if m.Type.Class == h5type.Compound && !m.Type.IsComplexPair() {
			out = members(out, m.Type, c.Name+"/", c.offset)
		}
	}
	return out
}

// choose gives the columns of a projection, all top-level ones without one.
func (s Source) choose(fields []string) ([]Column, error) {
	if fields == nil {
		return s.top(), nil
	}
	all := s.Columns()
	named := make(map[string]Column, len(all))
	for _, c := range all {
		named[c.Name] = c
	}
	out := make([]Column, 0, len(fields))
	for _, f := range fields {
		c, ok := named[f]
		if !ok {
			return nil, noColumn(f, all)
		}
		out = append(out, c)
	}
	return out, nil
}

func (s Source) top() []Column {
	if s.Kind() != Table {
		return s.Columns()
	}
	out := make([]Column, len(s.Type.Members))
	for i, m := range s.Type.Members {
		out[i] = Column{m.Name, m.Type, m.Offset}
	}
	return out
}

// Top lists the names of the columns that are there without a projection.
func (s Source) Top() (names []string) {
	for _, c := range s.top() {
		names = append(names, c.Name)
	}
	return names
}

func noColumn(name string, all []Column) error {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name
	}
	return fault.New(fault.NotFound, "no column %s%s", spell.Quote(name), near.Hint(name, names))
}

// perRow is the number of elements of a row.
func (s Source) perRow() (int, error) {
	n, ok := product(s.Inner)
	if !ok {
		return 0, unsupported("rows of more than %d elements", math.MaxInt32)
	}
	return n, nil
}

// product multiplies extents as long as the result is a length that Arrow's fixed-size lists can have.
func product(dims []int) (int, bool) {
	n := 1
	if slices.Contains(dims, 0) {
		return 0, true
	}
	for _, d := range dims {
		if d < 1 || n > math.MaxInt32/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

func unsupported(format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...)
}
