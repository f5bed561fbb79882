package where

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// spanned is an error of a piece of the condition smaller than the operator at hand.
type spanned struct {
	at  span
	why string
}

func (e *spanned) Error() string { return e.why }

// text is the value of a constant or variable that is a string.
func (n *node) text() (string, bool) {
	switch {
	case n.kind != Bytes:
	case n.isConstant():
		return n.val.v.(string), true
	case n.op == "variable":
		return strings.TrimRight(string(n.data.Bytes), "\x00"), true
	}
	return "", false
}

var flipped = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// comparison compares what two values mean: times and names of enumerations with text, unsigned integers exactly.
func comparison(op string, a, b *node, at span) (n *node, err error) {
	if _, ok := a.text(); ok && b.info != nil {
		a, b, op = b, a, flipped[op]
	}
	text, isText := b.text()
	switch {
	case isText && a.info != nil && a.info.Time != nil:
		n, err = timeComparison(op, a, b, text, at)
	case isText && a.info != nil && a.info.Names != nil:
		n, err = nameComparison(op, a, b, text, at)
	case a.info != nil && b.info != nil && !alike(a, b):
		return nil, errors.New("two columns of times with different units, or of times and durations: compare each with ISO 8601 text or an integer")
	case isUnsigned(a, b):
		n, err = unsignedComparison(op, a, b, at)
	default:
		n = compareNode(op, a, b, at)
	}
	if err != nil {
		return nil, err
	}
	return guarded(n, op == "!=", a, b), nil
}

// compareNode has > and >= only for the four that have an order.
func compareNode(op string, a, b *node, at span) *node {
	if op == "<" || op == "<=" {
		a, b, op = b, a, flipped[op]
	}
	return &node{op: opNames[op], kind: Bool, args: []*node{a, b}, at: at}
}

// alike tells whether the numbers of two times mean the same.
func alike(a, b *node) bool {
	x, y := a.info.Time, b.info.Time
	if x == nil || y == nil || a.kind == Float64 || b.kind == Float64 {
		return true
	}
	return x.Tick == y.Tick && x.Epoch == y.Epoch && x.Duration == y.Duration && (x.Zone == "") == (y.Zone == "")
}

// nameComparison compares a value of an enumeration with a name.
func nameComparison(op string, a, b *node, name string, at span) (*node, error) {
	v, ok := a.info.Names[name]
	switch {
	case op != "==" && op != "!=":
		return nil, errors.New("the names of an enumeration have no order: compare with == or !=, or with its integers")
	case !ok:
		names := slices.Sorted(maps.Keys(a.info.Names))
		return nil, &spanned{b.at, fmt.Sprintf("%s has no value %s%s", written(a.info.Name), clip(strconv.Quote(name)), knownNames(name, names))}
	}
	value := big.NewInt(v)
	if a.kind == Uint64 {
		value.SetUint64(uint64(v))
		return unsignedComparison(op, a, constantNode(constant{v: value}, b.at), at)
	}
	return compareNode(op, a, constantNode(constant{v: value}, b.at), at), nil
}

// knownNames are those near a name, or the first.
func knownNames(name string, names []string) string {
	if hint := nearHint(name, names, strconv.Quote); hint != "" {
		return hint
	}
	const most = 8
	shown := []string{}
	for _, n := range names[:min(len(names), most)] {
		shown = append(shown, clip(strconv.Quote(n)))
	}
	if len(names) > most {
		shown = append(shown, "..")
	}
	return ": it has " + strings.Join(shown, ", ")
}
