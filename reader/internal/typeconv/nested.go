package typeconv

import (
	"bytes"
	"slices"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// enums converts by name where two enumerations number their names differently. Else values go as numbers, as h5py reads
// them, whatever they are called: also from and to plain ones.
func enums(from, to *h5type.Type) (Func, error) {
	if from.Class == h5type.Enum && to.Class == h5type.Enum {
		numbered, named := agree(from, to)
		if !named {
			return nil, nil
		}
		if !numbered {
			return byName(from, to), nil
		}
	}
	if from.Class == h5type.Enum {
		from = from.Base
	}
	if to.Class == h5type.Enum {
		to = to.Base
	}
	if !isNumber(from) || !isNumber(to) {
		return nil, nil
	}
	return New(from, to)
}

// agree tells whether an enumeration has all names of another, and by the same numbers.
func agree(from, to *h5type.Type) (numbered, named bool) {
	places := namesOf(to)
	numbered = true
	for i, v := range from.Values {
		k, ok := places[v.Name]
		if !ok {
			return false, false
		}
		numbered = numbered && from.EnumInt(i) == to.EnumInt(k)
	}
	return numbered, true
}

// namesOf tells where in an enumeration or a compound the names are, of equal ones the first.
func namesOf(t *h5type.Type) map[string]int {
	places := map[string]int{}
	for i := len(t.Values) - 1; i >= 0; i-- {
		places[t.Values[i].Name] = i
	}
	for i := len(t.Members) - 1; i >= 0; i-- {
		places[t.Members[i].Name] = i
	}
	return places
}

// byName gives the value of the same name, or all bits where the source's value has none.
func byName(from, to *h5type.Type) Func {
	values, places := map[string][]byte{}, namesOf(to)
	for _, v := range from.Values {
		if _, again := values[string(v.Raw)]; !again {
			values[string(v.Raw)] = to.Values[places[v.Name]].Raw
		}
	}
	unnamed := bytes.Repeat([]byte{0xff}, to.Size)
	n := from.Size
	return func(dst, src []byte) {
		v, ok := values[string(src[:n])]
		if !ok {
			v = unnamed
		}
		copy(dst, v)
	}
}

// complexes converts parts; a number is a real part. A compound is a complex number if its members are just the parts.
func complexes(from, to *h5type.Type) (Func, error) {
	a, b := realOf(from), realOf(to)
	if a == nil || b == nil || (from.Class == h5type.Compound || to.Class == h5type.Compound) && !a.Equal(b) {
		return nil, nil
	}
	if from.Class == h5type.Complex && a.Size == 2 {
		return nil, fault.New(fault.Unsupported, "elements of %s as %s: libhdf5 errs there", from, to)
	}
	f, err := New(a, b)
	if err != nil {
		return nil, err
	}
	imaginary := from.Size == 2*a.Size
	return func(dst, src []byte) {
		f(dst, src)
		switch {
		case to.Size == b.Size:
		case imaginary:
			f(dst[b.Size:], src[a.Size:])
		default:
			clear(dst[b.Size:][:b.Size])
		}
	}, nil
}

// realOf is the type of a number's real part, nil of what is none.
func realOf(t *h5type.Type) *h5type.Type {
	switch {
	case isNumber(t):
		return t
	case t.Class == h5type.Complex:
		return t.Base
	case t.Class == h5type.Compound && len(t.Members) == 2 && t.Members[0].Type.Equal(t.Members[1].Type) && t.Size == 2*t.Members[0].Type.Size && t.Members[0].Offset == 0:
		return t.Members[0].Type
	}
	return nil
}

// texts cuts or pads fixed strings. A source ends at its first NUL or before its padding.
func texts(from, to *h5type.Type) Func {
	if from.UTF8 != to.UTF8 {
		return nil
	}
	n, m, pad := from.Size, to.Size, byte(0)
	if to.Pad == h5type.SpacePad {
		pad = ' '
	}
	return func(dst, src []byte) {
		text := src[:n]
		if from.Pad == h5type.SpacePad {
			text = bytes.TrimRight(text, " ")
		} else if end := bytes.IndexByte(text, 0); end >= 0 {
			text = text[:end]
		}
		k := copy(dst[:m], text)
		for i := k; i < m; i++ {
			dst[i] = pad
		}
		if to.Pad == h5type.NullTerm && k == m {
			dst[m-1] = 0
		}
	}
}

// compounds converts the members that both have by name. Others of the destination are zeros.
func compounds(from, to *h5type.Type) (Func, error) {
	type step struct {
		dst, src int
		convert  Func
	}
	var steps []step
	places := namesOf(from)
	for _, m := range to.Members {
		i, ok := places[m.Name]
		if !ok {
			continue
		}
		f, err := New(from.Members[i].Type, m.Type)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{m.Offset, from.Members[i].Offset, f})
	}
	n := to.Size
	return func(dst, src []byte) {
		clear(dst[:n])
		for _, s := range steps {
			s.convert(dst[s.dst:], src[s.src:])
		}
	}, nil
}

// arrays converts element by element those of one shape.
func arrays(from, to *h5type.Type) (Func, error) {
	if !slices.Equal(from.Dims, to.Dims) {
		return nil, nil
	}
	f, err := New(from.Base, to.Base)
	if err != nil {
		return nil, err
	}
	a, b, n := from.Base.Size, to.Base.Size, from.Size/from.Base.Size
	return func(dst, src []byte) {
		for i := range n {
			f(dst[i*b:], src[i*a:])
		}
	}, nil
}
