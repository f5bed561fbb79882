package frame

import (
	"encoding/binary"
	"math"
	"strconv"
)

// objectArray is what a pickled NumPy array of objects holds, in C order, and how many are in a row.
// numpy/_core/src/multiarray/methods.c: __reduce__ calls _reconstruct and gives the result the state
// (version, shape, dtype, Fortran order, items); the items are in C order either way.
func objectArray(v any) (items []any, width int, ok bool) {
	o, _ := v.(*Opaque)
	if o == nil {
		return nil, 0, false
	}
	called, _ := o.Call.(*Opaque)
	state, _ := o.State.(*List)
	if called == nil || state == nil || len(state.Items) != 5 ||
		called.Name != "numpy.core.multiarray _reconstruct" && called.Name != "numpy._core.multiarray _reconstruct" {
		return nil, 0, false
	}
	shape, _ := state.Items[1].(*List)
	l, _ := state.Items[4].(*List)
	if shape == nil || l == nil || len(shape.Items) < 1 || len(shape.Items) > 2 {
		return nil, 0, false
	}
	rows, isInt := shape.Items[0].(int64)
	columns := int64(1)
	if len(shape.Items) == 2 {
		columns, _ = shape.Items[1].(int64)
	}
	if !isInt {
		return nil, 0, false
	}
	n := int64(len(l.Items))
	if n == 0 { // no rows or, where pandas did not turn the axes, no columns: the other axis counts texts
		width := max(columns, rows, 1)
		return nil, int(width), min(columns, rows) == 0 && width <= maxColumns
	}
	if columns < 1 || columns > n || rows != n/columns || n%columns != 0 {
		return nil, 0, false
	}
	return l.Items, int(columns), true
}

// scalar is a pickled NumPy number or truth value, as Python 2 and older NumPy's tolist left them in lists: scalar
// (numpy/_core/src/multiarray/scalartypes.c.src, gentype_reduce) called with its dtype and its bytes.
func (o *Opaque) scalar() (any, bool) {
	called, _ := o.Call.(*Opaque)
	args, _ := o.Args.(*List)
	if called == nil || args == nil || len(args.Items) != 2 ||
		called.Name != "numpy.core.multiarray scalar" && called.Name != "numpy._core.multiarray scalar" {
		return nil, false
	}
	kind, size, order := numpyDtype(args.Items[0])
	b, ok := rawBytes(args.Items[1])
	if !ok || order == nil || len(b) != size || size > 8 {
		return nil, false
	}
	var full [8]byte
	for i := range b { // little-endian from here on
		if full[i] = b[i]; order == binary.BigEndian {
			full[i] = b[size-1-i]
		}
	}
	return number(kind, size, binary.LittleEndian.Uint64(full[:]))
}

func number(kind byte, size int, v uint64) (any, bool) {
	unused := 64 - 8*size
	switch {
	case kind == 'b' && size == 1:
		return v != 0, true
	case kind == 'i' && size >= 1:
		return int64(v<<unused) >> unused, true
	case kind == 'u' && v <= math.MaxInt64:
		return int64(v), true
	case kind == 'f' && size == 4:
		return float64(math.Float32frombits(uint32(v))), true
	case kind == 'f' && size == 8:
		return math.Float64frombits(v), true
	}
	return nil, false
}

// numpyDtype is what a pickled dtype says of numbers; no order: it is none of those.
// numpy/_core/src/multiarray/descriptor.c: dtype is called with, say, "i8", and its state is (version, order, ..).
func numpyDtype(v any) (kind byte, size int, order binary.ByteOrder) {
	o, _ := v.(*Opaque)
	if o == nil {
		return 0, 0, nil
	}
	called, _ := o.Call.(*Opaque)
	args, _ := o.Args.(*List)
	state, _ := o.State.(*List)
	if called == nil || called.Name != "numpy dtype" || args == nil || len(args.Items) < 1 || state == nil || len(state.Items) < 2 {
		return 0, 0, nil
	}
	name, _ := args.Items[0].(string)
	if len(name) < 2 {
		return 0, 0, nil
	}
	size, err := strconv.Atoi(name[1:])
	orders := map[any]binary.ByteOrder{"<": binary.LittleEndian, "|": binary.LittleEndian, ">": binary.BigEndian}
	at, isText := state.Items[1].(string)
	if err != nil || !isText {
		return 0, 0, nil
	}
	return name[0], size, orders[at]
}

// rawBytes is Python's bytes, which protocols below 3 write as a text of Latin-1 to be encoded; Python 2 has a text.
func rawBytes(v any) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return v, true
	case string:
		return []byte(v), true
	case *Opaque:
		called, _ := v.Call.(*Opaque)
		args, _ := v.Args.(*List)
		if called == nil || called.Name != "_codecs encode" || args == nil || len(args.Items) != 2 || args.Items[1] != "latin1" {
			return nil, false
		}
		return latin1(args.Items[0])
	}
	return nil, false
}

func latin1(v any) ([]byte, bool) {
	s, ok := v.(string)
	var out []byte
	for _, r := range s {
		if r > 0xFF {
			return nil, false
		}
		out = append(out, byte(r))
	}
	return out, ok
}
