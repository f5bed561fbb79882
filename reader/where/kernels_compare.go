package where

import "bytes"

type ordered interface {
	uint8 | int32 | int64 | uint64 | float32 | float64
}

func compareKernel(n *node) kernel {
	left, right := n.args[0].isFixed(), n.args[1].isFixed()
	if isUnsigned(n.args...) && n.args[0].kind != n.args[1].kind {
		return compareUnsignedKernel(n.op, n.args[0].kind, n.args[1].kind)
	}
	switch n.args[0].kind {
	case Bool:
		return compareNumberKernel(n.op, bools, left, right)
	case Int32:
		return compareNumberKernel(n.op, i32s, left, right)
	case Int64:
		return compareNumberKernel(n.op, i64s, left, right)
	case Float32:
		return compareNumberKernel(n.op, f32s, left, right)
	case Float64:
		return compareNumberKernel(n.op, f64s, left, right)
	case Uint64:
		return compareNumberKernel(n.op, u64s, left, right)
	case Complex128:
		return compareComplexKernel(n.op)
	}
	return compareBytesKernel(n.op)
}

// compareNumberKernel has loops of its own for a constant on either side.
func compareNumberKernel[T ordered](op string, f field[T], left, right bool) kernel {
	switch {
	case right:
		loop := withConstant[T](op)
		return func(d, a, b, _ *Vector) { loop(f(a), f(b)[0], d.Bool) }
	case left:
		loop := withConstant[T](map[string]string{"gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}[op])
		return func(d, a, b, _ *Vector) { loop(f(b), f(a)[0], d.Bool) }
	}
	return two(f, bools, between[T](op))
}

// withConstant compares every value with c. The loops are free of branches: each compiles to a compare and a set.
func withConstant[T ordered](op string) func(a []T, c T, out []byte) {
	switch op {
	case "gt":
		return func(a []T, c T, out []byte) {
			a = a[:len(out)]
			for i := range out {
				out[i] = truth(a[i] > c)
			}
		}
	case "ge":
		return func(a []T, c T, out []byte) {
			a = a[:len(out)]
			for i := range out {
				out[i] = truth(a[i] >= c)
			}
		}
	case "lt":
		return func(a []T, c T, out []byte) {
			a = a[:len(out)]
			for i := range out {
				out[i] = truth(a[i] < c)
			}
		}
	case "le":
		return func(a []T, c T, out []byte) {
			a = a[:len(out)]
			for i := range out {
				out[i] = truth(a[i] <= c)
			}
		}
	case "eq":
		return func(a []T, c T, out []byte) {
			a = a[:len(out)]
			for i := range out {
				out[i] = truth(a[i] == c)
			}
		}
	}
	return func(a []T, c T, out []byte) {
		a = a[:len(out)]
		for i := range out {
			out[i] = truth(a[i] != c)
		}
	}
}

func between[T ordered](op string) func(a, b []T, out []byte) {
	switch op {
	case "gt":
		return func(a, b []T, out []byte) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = truth(a[i] > b[i])
			}
		}
	case "ge":
		return func(a, b []T, out []byte) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = truth(a[i] >= b[i])
			}
		}
	case "eq":
		return func(a, b []T, out []byte) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = truth(a[i] == b[i])
			}
		}
	}
	return func(a, b []T, out []byte) {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			out[i] = truth(a[i] != b[i])
		}
	}
}

func truth(b bool) byte {
	var v byte
	if b {
		v = 1
	}
	return v
}

// compareComplexKernel knows equality only; a constant has one value.
func compareComplexKernel(op string) kernel {
	equal := op == "eq"
	return func(d, x, y, _ *Vector) {
		a, b, out := x.C128, y.C128, d.Bool
		for i := range out {
			out[i] = truth((a[min(i, len(a)-1)] == b[min(i, len(b)-1)]) == equal)
		}
	}
}

// cell is a row's bytes; a constant has no offsets.
func (v *Vector) cell(i int) []byte {
	if v.Off == nil {
		return v.Bytes
	}
	return v.Bytes[v.Off[i]:v.Off[i+1]]
}

func compareBytesKernel(op string) kernel {
	if op == "eq" || op == "ne" {
		equal := op == "eq"
		return func(d, a, b, _ *Vector) {
			for i := range d.Bool {
				d.Bool[i] = truth(equalPadded(a.cell(i), b.cell(i)) == equal)
			}
		}
	}
	least := truth(op == "gt")
	return func(d, a, b, _ *Vector) {
		for i := range d.Bool {
			d.Bool[i] = truth(comparePadded(a.cell(i), a.Off == nil, b.cell(i), b.Off == nil) >= int(least))
		}
	}
}

func equalPadded(a, b []byte) bool {
	if len(a) == len(b) {
		return bytes.Equal(a, b)
	}
	return bytes.Equal(trimmed(a), trimmed(b))
}

func trimmed(s []byte) []byte {
	for len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	return s
}

// comparePadded orders values padded with zeros as numexpr does: as signed characters, and any non-empty value after
// an empty constant whichever side it is on (it has no width; cells of a column always have).
func comparePadded(a []byte, aConstant bool, b []byte, bConstant bool) int {
	switch {
	case bConstant && len(b) == 0:
		return int(truth(len(a) > 0 && a[0] != 0))
	case aConstant && len(a) == 0:
		return int(truth(len(b) > 0 && b[0] != 0))
	}
	for i := range max(len(a), len(b)) {
		if x, y := charAt(a, i), charAt(b, i); x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

func charAt(s []byte, i int) int8 {
	if i < len(s) {
		return int8(s[i])
	}
	return 0
}

// textKernel searches up to a first zero, where numexpr's strings end.
func textKernel(op string) kernel {
	find := map[string]func(a, b []byte) bool{
		"contains": bytes.Contains, "startswith": bytes.HasPrefix, "endswith": bytes.HasSuffix}[op]
	return func(d, a, b, _ *Vector) {
		for i := range d.Bool {
			d.Bool[i] = truth(find(ended(a.cell(i)), ended(b.cell(i))))
		}
	}
}

func ended(s []byte) []byte {
	if n := bytes.IndexByte(s, 0); n >= 0 {
		return s[:n]
	}
	return s
}
