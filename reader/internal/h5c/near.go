package h5c

import (
	"sort"
	"strings"
)

// Bounds of the search for near matches.
const (
	nearNames = 5000
	nearBytes = 64
	nearRatio = 0.6
)

// near lists up to three names similar to one, as " (near: a, b)", or "".
func near(name string, names []string) string {
	type scored struct {
		name  string
		score float64
	}
	var found []scored
	for _, n := range names[:min(len(names), nearNames)] {
		if s := similarity(name, n); s >= nearRatio {
			found = append(found, scored{n, s})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].score > found[j].score })
	var best []string
	for _, f := range found[:min(len(found), 3)] {
		best = append(best, f.name)
	}
	if len(best) == 0 {
		return ""
	}
	return " (near: " + strings.Join(best, ", ") + ")"
}

// similarity is twice the matching bytes over all bytes (Ratcliff and Obershelp), 0 to 1.
func similarity(a, b string) float64 {
	if len(a) > nearBytes || len(b) > nearBytes || len(a)+len(b) == 0 {
		return 0
	}
	return 2 * float64(matching(a, b)) / float64(len(a)+len(b))
}

// matching counts the bytes in the longest common substring and, recursively, beside it.
func matching(a, b string) int {
	i, j, n := longest(a, b)
	if n == 0 {
		return 0
	}
	return n + matching(a[:i], b[:j]) + matching(a[i+n:], b[j+n:])
}

func longest(a, b string) (ai, bi, n int) {
	ends := make([]int, len(b)+1)
	for i := range a {
		for j := len(b) - 1; j >= 0; j-- { // downwards: ends[j] is still the row above
			if a[i] != b[j] {
				ends[j+1] = 0
				continue
			}
			ends[j+1] = ends[j] + 1
			if ends[j+1] > n {
				n = ends[j+1]
				ai, bi = i-n+1, j-n+1
			}
		}
	}
	return ai, bi, n
}
