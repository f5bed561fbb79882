package rows

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
)

// Axis is what is taken of one axis of the dataset.
type Axis struct {
	runs []Run // dst counts from 0
	n    int64 // places in the result
	drop bool  // an integer: the axis is not in the result
}

// WholeAxis takes all n places of an axis.
func WholeAxis(n int64) Axis { return Axis{runs: affine(0, 1, n), n: n} }

func affine(start, step, n int64) []Run {
	if n == 0 {
		return nil
	}
	return []Run{{Src: start, Step: step, N: n}}
}

var (
	integerPart = regexp.MustCompile(`^-?\d+$`)
	listPart    = regexp.MustCompile(`^\[\s*(-?\d+\s*(,\s*-?\d+\s*)*)?\]$`)
	slicePart   = regexp.MustCompile(`^(-?\d+)?\s*:\s*(-?\d+)?\s*(:\s*(-?\d+)?)?$`)
)

// ParseSelect understands a NumPy index of an array of this shape: integers, slices, one ellipsis, one list.
func ParseSelect(text string, shape []int64) ([]Axis, error) {
	written := splitIndex(text)
	parts, err := expand(written, len(shape), text)
	if err != nil {
		return nil, err
	}
	axes := make([]Axis, len(shape))
	for i, part := range parts {
		if axes[i], err = parseAxis(part, i, shape[i]); err != nil {
			return nil, err
		}
	}
	return axes, checkList(parts, slices.Index(written, "..."))
}

// splitIndex cuts at the commas outside brackets.
func splitIndex(text string) []string {
	var parts []string
	depth, from := 0, 0
	for i, c := range text {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(text[from:]))
}

// expand puts full slices where the ellipsis stands, or at the end, so that there is one part for each axis.
func expand(parts []string, rank int, text string) ([]string, error) {
	at, lists := -1, 0
	for i, p := range parts {
		switch {
		case p == "...":
			if at >= 0 {
				return nil, fault.New(fault.Invalid, "select: two ellipses in %q", text)
			}
			at = i
		case listPart.MatchString(p):
			lists++
		case !integerPart.MatchString(p) && !slicePart.MatchString(p):
			return nil, fault.New(fault.Invalid, "select: cannot understand %q: an integer, a slice a:b:c, a list [1,2] or ... is wanted", p)
		}
	}
	if lists > 1 {
		return nil, fault.New(fault.Invalid, "select: two lists in %q, one is allowed", text)
	}
	if at < 0 {
		at = len(parts)
		parts = append(parts, "...")
	}
	missing := rank - (len(parts) - 1)
	if missing < 0 {
		return nil, fault.New(fault.Invalid, "select: %d axes in %q, the data has %d", len(parts)-1, text, rank)
	}
	out := append([]string{}, parts[:at]...)
	for range missing {
		out = append(out, ":")
	}
	return append(out, parts[at+1:]...), nil
}

func parseAxis(part string, i int, n int64) (Axis, error) {
	switch {
	case integerPart.MatchString(part):
		at, err := place(part, i, n)
		return Axis{runs: affine(at, 1, 1), n: 1, drop: true}, err
	case listPart.MatchString(part):
		return parseList(part, i, n)
	}
	var bounds [3]*int64
	for k, s := range strings.Split(part, ":") {
		if s = strings.TrimSpace(s); s != "" {
			v := saturated(s)
			bounds[k] = &v
		}
	}
	s, err := Slice(bounds[0], bounds[1], bounds[2], n)
	return Axis{runs: affine(s.Start, s.Step, s.N), n: s.N}, err
}

func parseList(part string, i int, n int64) (Axis, error) {
	l := List{}
	for _, s := range strings.Split(strings.Trim(part, "[]"), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		at, err := place(s, i, n)
		if err != nil {
			return Axis{}, err
		}
		l = append(l, at)
	}
	return Axis{runs: l.Runs(nil, 0, l.Len(), 0), n: l.Len()}, nil
}

// saturated is an integer of any size; far outside is outside.
func saturated(s string) int64 {
	v, _ := strconv.ParseInt(s, 10, 64) // on overflow the nearest
	return v
}

func place(s string, i int, n int64) (int64, error) {
	v := saturated(s)
	if v < -n || v >= n {
		return 0, fault.New(fault.OutOfRange, "select: index %s is out of bounds for axis %d with size %d", s, i, n)
	}
	if v < 0 {
		v += n
	}
	return v, nil
}

// checkList refuses an integer and a list with a slice between them: NumPy and h5py disagree about the result. Behind
// another slice they do so about an ellipsis (at its place, or -1) that stands for no axis, too.
func checkList(parts []string, ellipsis int) error {
	picks := func(p string) bool { return strings.HasPrefix(p, "[") || integerPart.MatchString(p) }
	list := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, "[") })
	first, last := slices.IndexFunc(parts, picks), len(parts)-1
	if list < 0 {
		return nil
	}
	for !picks(parts[last]) {
		last--
	}
	slice := func(p string) bool { return strings.Contains(p, ":") }
	if slices.ContainsFunc(parts[first:last+1], slice) || first > 0 && first < ellipsis && ellipsis <= last {
		return fault.New(fault.Invalid, "select: a slice or ... between an integer and a list: readers of HDF5 disagree about the result; select in two steps")
	}
	return nil
}

// Selected is the rows that a select takes of their axis.
func Selected(a Axis) Sequence { return selected{Axis: a} }

// selected is the rows that a select takes, from the place first on.
type selected struct {
	Axis
	first int64
}

func (c selected) Len() int64 { return c.n }

func (c selected) Runs(runs []Run, lo, hi, at int64) []Run {
	lo, hi = c.first+lo, c.first+hi
	for _, r := range c.runs {
		a, b := max(lo, r.Dst), min(hi, r.Dst+r.N)
		if a < b {
			runs = append(runs, Run{Dst: at + a - lo, Src: r.Src + (a-r.Dst)*r.Step, Step: r.Step, N: b - a})
		}
	}
	return runs
}

// SplitSelect is a NumPy index of an array of so many axes, with a part for each axis.
func SplitSelect(text string, rank int) ([]string, error) {
	return expand(splitIndex(text), rank, text)
}

// Dropped tells whether an integer takes the axis out of the result.
func (a Axis) Dropped() bool { return a.drop }
