package chunkstats

import (
	"bytes"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
)

// Class is how the values of a column are ordered. Truth values, times and durations are Int.
type Class uint8

// The classes. Text is byte strings in the order of unsigned bytes, zeros at their end left out.
const (
	None Class = iota
	Int
	Uint
	Float
	Text
)

// ClassOf is the class of a column's values, or of those in its lists of a fixed size; None for those without an order.
func ClassOf(t arrow.DataType) Class {
	switch t.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.TIMESTAMP, arrow.DURATION:
		return Int
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return Uint
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return Float
	case arrow.BINARY:
		return Text
	case arrow.FIXED_SIZE_LIST:
		return ClassOf(t.(*arrow.FixedSizeListType).Elem())
	}
	return None
}

// MaxText is the longest text that is kept as a bound, in bytes.
const MaxText = 256

// Stat is what is known of some values. Null values and NaN have no part in the bounds.
type Stat struct {
	Null, NaN int64  // numbers of such values
	Has       bool   // there are bounds: not where all values are null or NaN, nor where one would be Long
	Long      bool   // a bound is a text over MaxText
	Lo, Hi    uint64 // of numbers, as keys: see IntOf, FloatOf; a Uint is its own
	Min, Max  []byte // of texts
}

const sign = 1 << 63

func keyOfInt(v int64) uint64 { return uint64(v) ^ sign }

// IntOf is the value of an Int's key.
func IntOf(key uint64) int64 { return int64(key ^ sign) }

func keyOfFloat(v float64) uint64 {
	b := math.Float64bits(v)
	if b&sign != 0 {
		return ^b
	}
	return b | sign
}

// FloatOf is the value of a Float's key.
func FloatOf(key uint64) float64 {
	if key&sign != 0 {
		return math.Float64frombits(key &^ sign)
	}
	return math.Float64frombits(^key)
}

// Meter takes values and tells their Stat. The zero value has seen none.
type Meter struct {
	s        Stat
	min, max []byte // room for texts
}

// Reset forgets the values.
func (m *Meter) Reset() { m.s = Stat{} }

// Stat is that of the values so far. Its texts are valid until the next call.
func (m *Meter) Stat() Stat {
	s := m.s
	if len(s.Min) > MaxText || len(s.Max) > MaxText {
		s.Min, s.Max, s.Has, s.Long = nil, nil, false, true
	}
	return s
}

// Join takes values of which only the Stat is known; class is theirs.
func (m *Meter) Join(c Class, s Stat) {
	m.s.Null += s.Null
	m.s.NaN += s.NaN
	m.s.Long = m.s.Long || s.Long
	switch {
	case m.s.Long:
		m.s.Has, m.s.Min, m.s.Max = false, nil, nil
	case s.Has && c == Text:
		m.text(s.Min)
		m.text(s.Max)
	case s.Has:
		m.keys(s.Lo, s.Hi)
	}
}

func (m *Meter) keys(lo, hi uint64) {
	if !m.s.Has {
		m.s.Has, m.s.Lo, m.s.Hi = true, lo, hi
		return
	}
	m.s.Lo, m.s.Hi = min(m.s.Lo, lo), max(m.s.Hi, hi)
}

// text copies a text that is a new bound.
func (m *Meter) text(b []byte) {
	if !m.s.Has || bytes.Compare(b, m.s.Min) < 0 {
		m.min = append(m.min[:0], b...)
		m.s.Min = m.min
	}
	if !m.s.Has || bytes.Compare(b, m.s.Max) > 0 {
		m.max = append(m.max[:0], b...)
		m.s.Max = m.max
	}
	m.s.Has = true
}

// Take adds rows lo to lo+n of a column of a class other than None.
func (m *Meter) Take(a arrow.Array, lo, n int) {
	if l, ok := a.(*array.FixedSizeList); ok {
		width := int(l.DataType().(*arrow.FixedSizeListType).Len())
		m.Take(l.ListValues(), (a.Data().Offset()+lo)*width, n*width)
		return
	}
	if a.NullN() > 0 {
		m.takeNullable(a, lo, n)
	} else if n > 0 {
		m.take(a, lo, n)
	}
}

// takeNullable takes the stretches between nulls.
func (m *Meter) takeNullable(a arrow.Array, lo, n int) {
	from := lo
	for i := lo; i < lo+n; i++ {
		if a.IsValid(i) {
			continue
		}
		m.s.Null++
		if i > from {
			m.take(a, from, i-from)
		}
		from = i + 1
	}
	if lo+n > from {
		m.take(a, from, lo+n-from)
	}
}

func (m *Meter) take(a arrow.Array, lo, n int) {
	switch a := a.(type) {
	case *array.Boolean:
		m.bools(a, lo, n)
	case *array.Int8:
		integers(m, a.Int8Values()[lo:lo+n])
	case *array.Int16:
		integers(m, a.Int16Values()[lo:lo+n])
	case *array.Int32:
		integers(m, a.Int32Values()[lo:lo+n])
	case *array.Int64:
		integers(m, a.Int64Values()[lo:lo+n])
	case *array.Timestamp:
		integers(m, a.TimestampValues()[lo:lo+n])
	case *array.Duration:
		integers(m, a.DurationValues()[lo:lo+n])
	case *array.Uint8:
		unsigned(m, a.Uint8Values()[lo:lo+n])
	case *array.Uint16:
		unsigned(m, a.Uint16Values()[lo:lo+n])
	case *array.Uint32:
		unsigned(m, a.Uint32Values()[lo:lo+n])
	case *array.Uint64:
		unsigned(m, a.Uint64Values()[lo:lo+n])
	case *array.Float16:
		m.halves(a, lo, n)
	case *array.Float32:
		floats(m, a.Float32Values()[lo:lo+n])
	case *array.Float64:
		floats(m, a.Float64Values()[lo:lo+n])
	case *array.Binary:
		m.texts(a, lo, n)
	}
}

func (m *Meter) bools(a *array.Boolean, lo, n int) {
	data := a.Data()
	set := bitutil.CountSetBits(data.Buffers()[1].Bytes(), data.Offset()+lo, n)
	lowest, highest := int64(1), int64(0)
	if set < n {
		lowest = 0
	}
	if set > 0 {
		highest = 1
	}
	m.keys(keyOfInt(lowest), keyOfInt(highest))
}

func integers[T ~int8 | ~int16 | ~int32 | ~int64](m *Meter, v []T) {
	lo, hi := bounds(v)
	m.keys(keyOfInt(int64(lo)), keyOfInt(int64(hi)))
}

func unsigned[T ~uint8 | ~uint16 | ~uint32 | ~uint64](m *Meter, v []T) {
	lo, hi := bounds(v)
	m.keys(uint64(lo), uint64(hi))
}

// bounds of at least one integer, two at a time so that neither waits for the other.
func bounds[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](v []T) (lo, hi T) {
	lo, hi = v[0], v[0]
	lo2, hi2 := lo, hi
	for ; len(v) > 1; v = v[2:] {
		lo, hi = min(lo, v[0]), max(hi, v[0])
		lo2, hi2 = min(lo2, v[1]), max(hi2, v[1])
	}
	if len(v) > 0 {
		lo, hi = min(lo, v[0]), max(hi, v[0])
	}
	return min(lo, lo2), max(hi, hi2)
}

// floats compares: the built-in min and max are slower, and NaN compares with nothing.
func floats[T float32 | float64](m *Meter, v []T) {
	lo, hi, nan := T(math.Inf(1)), T(math.Inf(-1)), 0
	for _, x := range v {
		if x >= lo && x <= hi { // most are
			continue
		}
		if x != x {
			nan++
			continue
		}
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	m.s.NaN += int64(nan)
	if nan < len(v) {
		m.keys(keyOfFloat(float64(lo)), keyOfFloat(float64(hi)))
	}
}

func (m *Meter) halves(a *array.Float16, lo, n int) {
	for _, h := range a.Values()[lo : lo+n] {
		floats(m, []float32{h.Float32()})
	}
}

func (m *Meter) texts(a *array.Binary, lo, n int) {
	for i := lo; i < lo+n; i++ {
		b := a.Value(i)
		for len(b) > 0 && b[len(b)-1] == 0 {
			b = b[:len(b)-1]
		}
		m.text(b)
	}
}
