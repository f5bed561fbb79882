// Package machine knows what the machine gives this process: Memory in all, that of a container where it has less, and open Files.
package machine

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Memory is the machine's, in bytes, or what this process's control groups allow, if that is less; 4 GiB where nothing is said.
func Memory() int64 {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	limit := cgroupMemory(os.DirFS("/"), string(groups))
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return min(limit, 4<<30)
	}
	return min(limit, int64(info.Totalram)*int64(info.Unit))
}

// Files is how many this process may have open at once.
func Files() int {
	var open unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &open) != nil {
		return math.MaxInt
	}
	return int(min(open.Cur, math.MaxInt))
}
