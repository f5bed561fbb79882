package replicas

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Place gives the locations of each part of an answer, by a text that names it wherever it is asked for, the one to ask first in front. By
// rendezvous hashing (Thaler, Ravishankar: Using name-based mappings to increase hit rates, 1998) each part has its own order of
// servers, so that one which comes or goes moves few parts but its own; one that has its share of the answer is passed over
// (Mirrokni, Thorup, Zadimoghaddam: Consistent hashing with bounded loads, 2018). Without replicas each part has none.
func (s *Set) Place(parts []string) [][]string {
	ready := s.Ready()
	out := make([][]string, len(parts))
	if len(ready) == 0 {
		return out
	}
	share, taken := (len(parts)+len(ready)-1)/len(ready), map[string]int{}
	for i, part := range parts {
		order := ordered(part, ready)
		first := slices.IndexFunc(order, func(location string) bool { return taken[location] < share })
		location := order[first]
		taken[location]++
		out[i] = append([]string{location}, slices.Delete(order, first, first+1)...)
	}
	return out
}

// Name is what Place calls rows of a file, or of several, from one on: all parts that begin there have the same servers, whatever columns of
// whichever dataset they are, and so what is known of the file.
func Name(file string, files []string, start *int64) string {
	if len(files) > 0 {
		file = files[0]
	}
	if start == nil {
		start = new(int64)
	}
	return fmt.Sprintf("%s\x00%d", file, *start)
}

// ordered is the order in which a part prefers locations.
func ordered(part string, locations []string) []string {
	type weighed struct {
		location string
		weight   uint64
	}
	all := make([]weighed, len(locations))
	for i, location := range locations {
		all[i] = weighed{location, xxhash.Sum64String(location + "\x00" + part)}
	}
	slices.SortFunc(all, func(a, b weighed) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.location, b.location))
	})
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = w.location
	}
	return out
}
