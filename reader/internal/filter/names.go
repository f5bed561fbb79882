package filter

import "strconv"

// Name is what a filter is called in listings and schema metadata: its own name where the package knows the filter,
// else its number.
func Name(id uint16) string {
	for _, e := range registry {
		if e.info.ID == id {
			return e.info.Name
		}
	}
	return strconv.Itoa(int(id))
}
