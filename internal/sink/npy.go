package sink

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
)

// npySink writes NumPy's .npy, version 1.0 or, where its header is too long for that, 2.0 (numpy.lib.format): one column as an array
// with the axes of its values, several as an array of structs. Where the rows are not known before, their number is written at
// the end, into a header that has room for it.
type npySink struct {
	w       io.Writer
	columns []packed
	size    int   // bytes of a row
	rows    int64 // written
	told    int64 // in the header, -1: not yet
	dtype   string
	inner   string // axes behind the rows'
	scalar  bool   // one row, which is no axis
	block   []byte
}

func newNPYSink(w io.Writer, schema *arrow.Schema, rows int64) (*npySink, error) {
	s := &npySink{w: w, told: rows}
	var members []string
	for _, f := range schema.Fields() {
		p, err := packedOf(f.Type)
		if err != nil {
			return nil, fault.New(fault.Unsupported, "column %s: %w: choose others by fields, or write .parquet", strconv.Quote(f.Name), err)
		}
		p.name = f.Name
		s.columns, s.size = append(s.columns, p), s.size+p.size
		members = append(members, fmt.Sprintf("(%s, %s)", pythonText(f.Name), p.member()))
	}
	s.dtype = "[" + strings.Join(members, ", ") + "]"
	if shape, _ := schema.Metadata().GetValue("hdf5.shape"); shape == "[]" {
		s.scalar = true
	}
	if len(s.columns) == 1 {
		s.dtype, s.inner = s.columns[0].dtype, strings.Join(s.columns[0].axes(), "")
	}
	if _, seeks := w.(io.WriteSeeker); rows < 0 && !seeks {
		return nil, fault.New(fault.Invalid, ".npy starts with the number of rows, which is not known before the last: give -o FILE, or another --format")
	}
	_, err := w.Write(s.header())
	return s, err
}

// header is the same length whatever the number of rows is.
func (s *npySink) header() []byte {
	shape := fmt.Sprintf("(%d,%s)", max(s.told, 0), s.inner)
	if s.scalar {
		shape = "(" + strings.TrimLeft(s.inner, " ") + ")"
	}
	text := fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': %s, }", s.dtype, shape)
	room := len(text) - len(strconv.FormatInt(max(s.told, 0), 10)) + len(strconv.FormatInt(math.MaxInt64, 10))
	start, count := []byte("\x93NUMPY\x01\x00"), 2
	if room+64 > math.MaxUint16 {
		start[6], count = 2, 4
	}
	whole := (len(start) + count + room + 1 + 63) / 64 * 64
	length := make([]byte, 4)
	binary.LittleEndian.PutUint32(length, uint32(whole-len(start)-count))
	start = append(start, length[:count]...)
	return append(append(start, text...), strings.Repeat(" ", whole-len(start)-len(text)-1)+"\n"...)
}

// Write adds the rows of a batch.
func (s *npySink) Write(r arrow.Record) error {
	n := int(r.NumRows())
	if n == 0 || s.size == 0 {
		s.rows += int64(n)
		return nil
	}
	if need := n * s.size; cap(s.block) < need {
		s.block = make([]byte, need)
	}
	s.block = s.block[:n*s.size]
	at := 0
	for c, p := range s.columns {
		if err := p.put(p, s.block[min(at, len(s.block)):], s.size, r.Column(c), 0, n); err != nil {
			return fault.New(fault.Precondition, "column %s: %w", strconv.Quote(p.name), err)
		}
		at += p.size
	}
	s.rows += int64(n)
	_, err := s.w.Write(s.block)
	return err
}

// Close writes the number of rows where it was not known before.
func (s *npySink) Close() error {
	if s.told == s.rows {
		return nil
	}
	file, seeks := s.w.(io.WriteSeeker)
	if !seeks {
		return fault.New(fault.DataLoss, "%d rows came of %d", s.rows, s.told)
	}
	s.told = s.rows
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := file.Write(s.header())
	return err
}

// packed is how the values of a type lie in NumPy's rows: at each stride the bytes of one value.
type packed struct {
	name, dtype string
	size        int // bytes of a value, with all its axes
	lengths     []int
	parts       []packed // of a struct
	put         func(p packed, to []byte, stride int, a arrow.Array, from, n int) error
}

func (p packed) axes() (texts []string) {
	for _, n := range p.lengths {
		texts = append(texts, fmt.Sprintf(" %d,", n))
	}
	return texts
}

// member is the type as one of a struct's, with its axes.
func (p packed) member() string {
	if len(p.lengths) == 0 {
		return p.dtype
	}
	return fmt.Sprintf("%s, (%s)", p.dtype, strings.TrimLeft(strings.Join(p.axes(), ""), " "))
}

func pythonText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\x00", `\x00`).Replace(s) + "'"
}

var numpyKinds = map[arrow.Type]string{arrow.INT8: "|i1", arrow.INT16: "<i2", arrow.INT32: "<i4", arrow.INT64: "<i8", arrow.UINT8: "|u1",
	arrow.UINT16: "<u2", arrow.UINT32: "<u4", arrow.UINT64: "<u8", arrow.FLOAT16: "<f2", arrow.FLOAT32: "<f4", arrow.FLOAT64: "<f8"}

func packedOf(t arrow.DataType) (packed, error) {
	if kind := numpyKinds[t.ID()]; kind != "" {
		return packed{dtype: quoted(kind), size: t.(arrow.FixedWidthDataType).Bytes(), put: putFixed}, nil
	}
	switch t := t.(type) {
	case *arrow.BooleanType:
		return packed{dtype: quoted("|b1"), size: 1, put: putBool}, nil
	case *arrow.TimestampType:
		return packed{dtype: quoted("<M8[" + t.Unit.String() + "]"), size: 8, put: putTime}, nil
	case *arrow.DurationType:
		return packed{dtype: quoted("<m8[" + t.Unit.String() + "]"), size: 8, put: putTime}, nil
	case *arrow.FixedSizeBinaryType:
		return packed{dtype: quoted("|V" + strconv.Itoa(t.ByteWidth)), size: t.ByteWidth, put: putFixed}, nil
	case *arrow.FixedSizeListType:
		p, err := packedOf(t.Elem())
		n := int(t.Len())
		return packed{dtype: p.dtype, size: n * p.size, lengths: append([]int{n}, p.lengths...), parts: []packed{p}, put: putList}, err
	case *arrow.StructType:
		return packedStruct(t)
	}
	return packed{}, fault.New(fault.Unsupported, "values of type %s have no NumPy type of a fixed size", t)
}

var numpyComplex = map[arrow.Type]string{arrow.FLOAT32: "<c8", arrow.FLOAT64: "<c16"}

func packedStruct(t *arrow.StructType) (s packed, err error) {
	s.put = putStruct
	var members []string
	for _, f := range t.Fields() {
		p, err := packedOf(f.Type)
		if err != nil {
			return s, err
		}
		s.parts, s.size = append(s.parts, p), s.size+p.size
		members = append(members, fmt.Sprintf("(%s, %s)", pythonText(f.Name), p.member()))
	}
	s.dtype = "[" + strings.Join(members, ", ") + "]"
	if isComplex(t) {
		s.dtype = quoted(numpyComplex[t.Field(0).Type.ID()])
	}
	return s, nil
}

// isComplex tells whether a struct is a complex number as docs/protocol.md section 4 has it.
func isComplex(t *arrow.StructType) bool {
	f := t.Fields()
	return len(f) == 2 && f[0].Name == "r" && f[1].Name == "i" && f[0].Type.ID() == f[1].Type.ID() && numpyComplex[f[0].Type.ID()] != ""
}

func quoted(kind string) string { return "'" + kind + "'" }

var errNulls = fault.New(fault.Precondition, "it has nulls, which NumPy has not: write .parquet")

// putFixed moves values as they lie in memory.
func putFixed(p packed, to []byte, stride int, a arrow.Array, from, n int) error {
	if hasNulls(a, from, n) {
		return errNulls
	}
	values := a.Data().Buffers()[1].Bytes()[(a.Data().Offset()+from)*p.size:]
	if stride == p.size {
		copy(to, values[:n*p.size])
		return nil
	}
	for i := range n {
		copy(to[i*stride:i*stride+p.size], values[i*p.size:])
	}
	return nil
}

// putTime is putFixed with NaT for a null.
func putTime(_ packed, to []byte, stride int, a arrow.Array, from, n int) error {
	values := arrow.Int64Traits.CastFromBytes(a.Data().Buffers()[1].Bytes())[a.Data().Offset()+from:]
	for i := range n {
		v := values[i]
		if a.IsNull(from + i) {
			v = math.MinInt64
		}
		binary.LittleEndian.PutUint64(to[i*stride:], uint64(v))
	}
	return nil
}

func putBool(_ packed, to []byte, stride int, a arrow.Array, from, n int) error {
	if hasNulls(a, from, n) {
		return errNulls
	}
	for i := range n {
		to[i*stride] = 0
		if a.(*array.Boolean).Value(from + i) {
			to[i*stride] = 1
		}
	}
	return nil
}

// putList puts the values of each row behind each other: of rows without a gap all at once.
func putList(p packed, to []byte, stride int, a arrow.Array, from, n int) error {
	if hasNulls(a, from, n) {
		return errNulls
	}
	list, part, length := a.(*array.FixedSizeList), p.parts[0], p.lengths[0]
	from += a.Data().Offset()
	if stride == p.size {
		return part.put(part, to, part.size, list.ListValues(), from*length, n*length)
	}
	for i := range n {
		if err := part.put(part, to[i*stride:], part.size, list.ListValues(), (from+i)*length, length); err != nil {
			return err
		}
	}
	return nil
}

func putStruct(p packed, to []byte, stride int, a arrow.Array, from, n int) error {
	if hasNulls(a, from, n) {
		return errNulls
	}
	at := 0
	for i, part := range p.parts {
		if err := part.put(part, to[min(at, len(to)):], stride, a.(*array.Struct).Field(i), from, n); err != nil {
			return err
		}
		at += part.size
	}
	return nil
}

func hasNulls(a arrow.Array, from, n int) bool {
	if a.NullN() == 0 {
		return false
	}
	for i := from; i < from+n; i++ {
		if a.IsNull(i) {
			return true
		}
	}
	return false
}
