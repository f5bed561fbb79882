package h5c

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
)

func TestComponents(t *testing.T) {
	require.Equal(t, []string{"a", "..", "b"}, components("//a/./../b/"))
	require.Empty(t, components("/"))
}

func TestOffsetBytes(t *testing.T) {
	for size, n := range map[uint32]int{1: 1, 255: 1, 256: 2, 65535: 2, 65536: 3, 1 << 24: 4} {
		require.Len(t, offsetBytes(3, 0, size), n, size)
		require.Len(t, offsetBytes(2, 0, size), 4, size)
	}
}

// compoundMessage has members of a variable-length string (pointer), a byte, and another string behind a gap.
func compoundMessage() []byte {
	vstr := append([]byte{0x39, 1, 0, 0, 8, 0, 0, 0}, 0x33, 0, 0, 0, 1, 0, 0, 0)
	u1 := []byte{0x30, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0}
	m := []byte{0x36, 3, 0, 0, 250, 0, 0, 0}
	m = append(append(m, 'a', 0, 0), vstr...)
	m = append(append(m, 'b', 0, 8), u1...)
	return append(append(m, 'c', 0, 240), vstr...)
}

func TestOnDiskMovesMembers(t *testing.T) {
	got, err := onDisk(compoundMessage(), 8)
	require.NoError(t, err)
	typ, err := h5type.Parse(got)
	require.NoError(t, err)
	require.Equal(t, 266, typ.Size) // offsets now take two bytes
	require.Equal(t, []int{0, 16, 248}, []int{typ.Members[0].Offset, typ.Members[1].Offset, typ.Members[2].Offset})
	require.Equal(t, 16, typ.Members[2].Type.Size)
}

func FuzzOnDisk(f *testing.F) {
	f.Add(compoundMessage(), 8)
	f.Add([]byte{0x3a, 0, 0, 0, 16, 0, 0, 0, 1, 2, 0, 0, 0, 0x39, 0, 0, 0, 16, 0, 0, 0}, 4)
	f.Add([]byte{0x38, 1, 0, 0, 1, 0, 0, 0}, 8)
	f.Fuzz(func(t *testing.T, message []byte, addrSize int) {
		got, err := onDisk(message, addrSize&15)
		if err == nil && len(got) > 4*len(message)+8 {
			t.Fatalf("%d bytes became %d", len(message), len(got))
		}
	})
}

func FuzzLinks(f *testing.F) {
	one := []byte{1, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, s := range []string{"name", "value"} {
		one = append(binary.NativeEndian.AppendUint32(one, uint32(len(s))), s...)
	}
	f.Add(one)
	f.Add(bytes.Repeat([]byte{64, 255}, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, l := range parseLinks(b) {
			l.describe("/x")
		}
	})
}
