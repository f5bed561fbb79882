package machine

import (
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestMemoryOfControlGroups(t *testing.T) {
	for name, c := range map[string]struct {
		groups string
		files  map[string]string
		want   int64
	}{
		"version 2, a container":         {"0::/\n", map[string]string{"memory.max": "536870912\n"}, 512 << 20},
		"version 2, a unit of systemd":   {"0::/system.slice/x.service\n", map[string]string{"system.slice/x.service/memory.max": "max\n", "system.slice/memory.max": "1073741824\n"}, 1 << 30},
		"version 1, the host's path":     {"9:cpu:/\n4:memory:/docker/abc\n0::/\n", map[string]string{"memory/memory.limit_in_bytes": "268435456\n"}, 256 << 20},
		"version 1, beside others":       {"4:cpu,memory:/a\n", map[string]string{"memory/a/memory.limit_in_bytes": "300\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"}, 300},
		"none":                           {"0::/\n", map[string]string{"memory.max": "max\n"}, math.MaxInt64},
		"nothing that can be understood": {"memory\n:::\n4:memory:../..\n", map[string]string{"memory/memory.limit_in_bytes": "-1"}, math.MaxInt64},
	} {
		root := fstest.MapFS{}
		for path, text := range c.files {
			root["sys/fs/cgroup/"+path] = &fstest.MapFile{Data: []byte(text)}
		}
		require.Equal(t, c.want, cgroupMemory(root, c.groups), name)
	}
	require.Positive(t, Memory())
}
