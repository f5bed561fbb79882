// Package machine knows what the machine gives this process: Memory in all, and open Files.
package machine

import (
	"math"

	"golang.org/x/sys/unix"
)

// Memory is the machine's, in bytes; 4 GiB where it does not say.
func Memory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 4 << 30
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// Files is how many this process may have open at once.
func Files() int {
	var open unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &open) != nil {
		return math.MaxInt
	}
	return int(min(open.Cur, math.MaxInt))
}
