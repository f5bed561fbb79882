package where

import (
	"fmt"
	"math"
	"math/big"
)

// timeComparison compares a time or duration with text, exactly: text between two of the column's ticks equals none.
func timeComparison(op string, a, b *node, text string, at span) (*node, error) {
	count, whole, why := a.info.ticks(text)
	if why != "" {
		return nil, &spanned{b.at, fmt.Sprintf("%s: %s", written(a.info.Name), why)}
	}
	if !whole {
		switch op {
		case "==", "!=":
			return truthNode(op == "!=", at), nil
		case ">=":
			op = ">"
		case "<":
			op = "<="
		}
	}
	if !count.IsInt64() { // beyond every time that the column can hold
		return truthNode(holds(op, -count.Sign()), at), nil
	}
	if a.kind == Float64 {
		a = &node{op: "micros", kind: Int64, args: []*node{a}, at: a.at}
	}
	return compareNode(op, a, constantNode(constant{v: count}, b.at), at), nil
}

// ticks is the last tick of the column that is not after a text, and whether it is the text's own.
func (c *Column) ticks(text string) (count *big.Int, whole bool, why string) {
	t := *c.Time
	var nanos *big.Rat
	if t.Duration {
		nanos, why = parseDuration(text)
	} else {
		nanos, why = parseTime(text, t.Zone)
	}
	if why != "" {
		return nil, false, why
	}
	if c.Kind == Float64 {
		t.Tick = 1000
	}
	n := new(big.Rat).Quo(nanos, new(big.Rat).SetInt64(t.Tick))
	count, rest := new(big.Int).DivMod(n.Num(), n.Denom(), new(big.Int)) // rounds down
	return count.Add(count, big.NewInt(t.Epoch)), rest.Sign() == 0, ""
}

// microsKernel undoes PyTables' float64 of seconds and microseconds: its error is below half a microsecond for all
// seconds of 32 bits.
func microsKernel() kernel {
	return one(f64s, i64s, each(func(v float64) int64 { return int64(math.Round(v * 1e6)) }))
}
