package ptindex

import "math"

// Bound is one end of a Range.
type Bound struct {
	Value any  // int64, float64, bool, string or []byte, as the condition has it; nil: no bound at this end
	Open  bool // the value itself is outside
}

// Range is the values between two bounds. Without an upper bound NaN belongs to it.
type Range struct{ Lo, Hi Bound }

// edge is a bound as a key: rows beyond it cannot match.
type edge struct {
	key  Keys // one
	open bool
	none bool
}

// slack is how far a bound may be off, relative to it, where the condition compares in a type narrower than the
// column's or the bound's: half a unit of a float32's last place and some more.
const slack = 1.0 / (1 << 22)

// edge turns a bound into a key of the class. A bound that the class doesn't have exactly is moved outwards: lower is
// -1 for a lower bound, 1 for an upper. ok is false if the two cannot be compared.
func (b Bound) edge(c Class, lower int) (e edge, ok bool) {
	e.open = b.Open
	switch v := b.Value.(type) {
	case nil:
		return edge{none: true}, true
	case string:
		return e.text([]byte(v), lower), c == Bytes
	case []byte:
		return e.text(v, lower), c == Bytes
	case bool:
		n := int64(0)
		if v {
			n = 1
		}
		return Bound{Value: n, Open: b.Open}.edge(c, lower)
	case int64:
		return e.integer(v, c, lower)
	case float64:
		return e.float(v, c, lower)
	}
	return e, false
}

// text is a bound that leaves in what equals it up to the first NUL and may lie inside.
func (e edge) text(v []byte, lower int) edge {
	e.key = Keys{Str: [][]byte{v}}
	e.open = e.open && lower > 0 && len(ended(v)) == len(v)
	return e
}

func (e edge) integer(v int64, c Class, lower int) (edge, bool) {
	switch c {
	case Int:
		e.key = Keys{Num: []uint64{OfInt(v)}}
		return e, true
	case Uint:
		e.key = Keys{Num: []uint64{uint64(max(v, 0))}}
		e.open = e.open && v >= 0
		return e, true
	}
	return e.float(float64(v), c, lower)
}

func (e edge) float(v float64, c Class, lower int) (edge, bool) {
	if c == Bytes || v != v {
		return e, false
	}
	exact := c == Float64 && math.Abs(v) < 1<<53 || math.IsInf(v, 0)
	if !exact {
		e.open = false
		v += float64(lower) * math.Abs(v) * slack
	}
	switch c {
	case Int:
		e.key = Keys{Num: []uint64{OfInt(clampInt(v, lower))}}
	case Uint:
		e.key = Keys{Num: []uint64{clampUint(v, lower)}}
	default:
		e.key = Keys{Num: []uint64{OfFloat(v)}}
	}
	return e, true
}

// clampInt rounds outwards to what an int64 holds.
func clampInt(v float64, lower int) int64 {
	v = outwards(v, lower)
	switch {
	case v < -1<<63:
		return math.MinInt64
	case v >= 1<<63:
		return math.MaxInt64
	}
	return int64(v)
}

func clampUint(v float64, lower int) uint64 {
	v = outwards(v, lower)
	switch {
	case v < 0:
		return 0
	case v >= 1<<64:
		return math.MaxUint64
	}
	return uint64(v)
}

func outwards(v float64, lower int) float64 {
	if lower < 0 {
		return math.Floor(v)
	}
	return math.Ceil(v)
}
