package where

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Column is a name that a condition may use, and what its values mean.
type Column struct {
	Name string
	Kind Kind   // of a value, or of those in its list
	Why  string // for kind None: why it can't be asked

	Shape []int            // of a value's elements, of which one can be asked at a time; Any: as many as there are; nil: no list
	Names map[string]int64 // of an enumeration's values (the bits of uint64); nil: none
	Time  *Time            // nil: no time
	Null  any              // the int64 or string that stands for null; nil: nothing does
}

// Any is the extent of lists of any length, whose missing elements are null.
const Any = -1

// NaT is the Null of NumPy's and pandas' times.
const NaT = int64(math.MinInt64)

// Time says what the integers of a column are. A column of kind Float64 holds seconds of whole microseconds, as
// PyTables' Time64Col does.
type Time struct {
	Tick     int64  // nanoseconds of one
	Epoch    int64  // the integer of 1970-01-01
	Zone     string // "" for times without one
	Duration bool
}

// Input is a vector that Eval takes.
type Input struct {
	Column  int  // index into the scope given to Compile
	Item    int  // of a list: the element's place in row-major order; in a list of any length negative ones count from the end
	Missing bool // a truth vector: the list of any length has no such element
}

// written is a column's name as a condition writes it.
func written(name string) string {
	if plainName(name) {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// plainName tells whether a name needs no backquotes.
func plainName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || identifier(part) != len(part) || isKeyword(part) {
			return false
		}
	}
	return true
}

func (c Column) shapeWords() string {
	parts := make([]string, len(c.Shape))
	for i, n := range c.Shape {
		parts[i] = strconv.Itoa(n)
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// element is how one of its elements is written.
func (c Column) element() string {
	return written(c.Name) + "[" + strings.TrimSuffix(strings.Repeat("0, ", len(c.Shape)), ", ") + "]"
}

// place is the row-major place of an element; why says what is wrong with its indexes.
func (c Column) place(items []*big.Int) (item int, why string) {
	if c.Shape[0] == Any {
		if len(items) > 1 {
			return 0, "a list has one index: write " + c.element()
		}
		return saturatedIndex(items[0]), ""
	}
	if len(items) != len(c.Shape) {
		return 0, "values of shape " + c.shapeWords() + ": write one index for each axis, as " + c.element()
	}
	for i, at := range items {
		n := c.Shape[i]
		k := saturatedIndex(at)
		if k < -n || k >= n {
			return 0, "index " + clip(at.String()) + " is out of range for values of shape " + c.shapeWords()
		}
		if k < 0 {
			k += n
		}
		item = item*n + k
	}
	return item, ""
}

// saturatedIndex is an index that no list reaches where it is beyond 32 bits.
func saturatedIndex(v *big.Int) int {
	switch {
	case v.Cmp(big.NewInt(math.MaxInt32)) > 0:
		return math.MaxInt32
	case v.Cmp(big.NewInt(-math.MaxInt32)) < 0:
		return -math.MaxInt32
	}
	return int(v.Int64())
}
