package main

import "strings"

// why is what ended a statement: what a scan could not give, else what DuckDB says.
func (d *database) why(message string) error {
	switch {
	case d.broken != nil:
		return d.broken
	case strings.Contains(message, "Out of Memory"):
		return failed("memory", "the statement takes more memory than it may have: ask for less at once, or give the server more (--memory)")
	}
	return failed("invalid", "%s", message)
}
