package match

import (
	"bytes"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/where"
)

// Bounds are what is known of the values of a dataset's columns, by name, in all of its rows. They are immutable and outlive its file.
type Bounds map[string]where.Bounds

const (
	maxGathered = 1 << 14 // chunks of a dataset that are gone through
	maxText     = 256     // bytes of a value that is kept
)

// BoundsOf gathers those of some columns from the statistics of all chunks. A column of which they do not tell all has none.
func BoundsOf(s *fill.Scan, of convert.Source, stats ChunkStatistics, columns []string) Bounds {
	known, numbers := []string{}, []int{}
	for i, c := range of.Columns() {
		if slices.Contains(columns, c.Name) {
			known, numbers = append(known, c.Name), append(numbers, i)
		}
	}
	if len(known) == 0 {
		return nil
	}
	program, err := convert.Compile(of, known, index.AsValues)
	if err != nil {
		return nil
	}
	t := newTally(s, stats, program, numbers)
	if t.chunks() > maxGathered || t.empty() {
		return nil
	}
	out := Bounds{}
	for i, name := range known {
		if b, ok := t.whole(i); ok {
			out[name] = b
		}
	}
	return out
}

// whole joins the bounds of a column in all chunks; false: not all are known.
func (t *tally) whole(i int) (all where.Bounds, ok bool) {
	for chunk := range t.chunks() {
		b, ok := t.bounds(i, chunk)
		if !ok || len(b.Min) > maxText || len(b.Max) > maxText {
			return all, false
		}
		if chunk == 0 {
			all = b
			continue
		}
		all.Lo, all.Hi, all.NaN = min(all.Lo, b.Lo), max(all.Hi, b.Hi), all.NaN || b.NaN
		if bytes.Compare(b.Min, all.Min) < 0 {
			all.Min = b.Min
		}
		if bytes.Compare(b.Max, all.Max) > 0 {
			all.Max = b.Max
		}
	}
	all.Min, all.Max = bytes.Clone(all.Min), bytes.Clone(all.Max) // of statistics that are given back
	return all, true
}

// May tells whether a row may meet the condition in a dataset of the same columns whose bounds are known. False is certain.
func (c *Condition) May(of Bounds) bool {
	return c.program.May(func(column int) (where.Bounds, bool) {
		b, ok := of[c.scope[column].source]
		return b, ok
	})
}
