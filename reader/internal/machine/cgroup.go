package machine

import (
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// cgroupMemory is the least limit of memory of the control groups, of version 1 or 2, that a process is in by what /proc/self/cgroup
// says (cgroups(7)); root is /. In a container the groups outside may be named, which are not there: those that are count.
func cgroupMemory(root fs.FS, groups string) int64 {
	least := int64(math.MaxInt64)
	for line := range strings.Lines(groups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "":
			least = min(least, limitAlong(root, "sys/fs/cgroup", fields[2], "memory.max"), limitAlong(root, "sys/fs/cgroup/unified", fields[2], "memory.max"))
		case strings.Contains(","+fields[1]+",", ",memory,"):
			least = min(least, limitAlong(root, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	return least
}

// limitAlong is the least limit of a group and of those that it is in.
func limitAlong(root fs.FS, mounted, group, file string) int64 {
	least := int64(math.MaxInt64)
	for at := path.Clean("/" + group); ; at = path.Dir(at) {
		if text, err := fs.ReadFile(root, path.Join(mounted, at, file)); err == nil {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err == nil && n > 0 { // else it says max
				least = min(least, n)
			}
		}
		if at == "/" {
			return least
		}
	}
}
