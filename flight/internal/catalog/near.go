package catalog

import (
	"sort"
	"strings"
)

// near names up to three of the names that are close to a misspelt one, as the end of a message; "" if none is.
func near(name string, names []string) string {
	type candidate struct {
		name string
		cost int
	}
	var found []candidate
	for _, n := range names {
		if len(n) > 255 || len(name) > 255 {
			continue
		}
		if d := distance(name, n); n != name && d*5 <= 2*max(len(n), len(name)) {
			found = append(found, candidate{n, d})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].cost < found[j].cost })
	var out []string
	for _, c := range found[:min(3, len(found))] {
		out = append(out, c.name)
	}
	if len(out) == 0 {
		return ""
	}
	return " (near: " + strings.Join(out, ", ") + ")"
}

// distance is the number of bytes to insert, delete or replace to make a of b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
