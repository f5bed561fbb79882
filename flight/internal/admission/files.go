package admission

import (
	"math"

	"golang.org/x/sys/unix"
)

// OpenFiles is how many the process may have.
func OpenFiles() int {
	var most unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) != nil {
		return math.MaxInt32
	}
	return int(min(most.Cur, math.MaxInt32))
}
