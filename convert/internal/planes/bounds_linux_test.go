package planes

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// fenced gives size bytes between two pages that may not be touched, so that a read beyond ends the test binary.
func fenced(t *testing.T, size int) []byte {
	page := os.Getpagesize()
	size = (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(m)) })
	require.NoError(t, syscall.Mprotect(m[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(m[page+size:], syscall.PROT_NONE))
	for i := range size {
		m[page+i] = byte(i * 31)
	}
	return m[page : page+size : page+size]
}

// TestReadsStayInside puts the source at the very start and the very end of readable memory.
func TestReadsStayInside(t *testing.T) {
	memory := fenced(t, 8000)
	for _, width := range []int{1, 2, 3, 4, 8, 16, 22} {
		for _, n := range []int{1, 7, 8, 15, 16, 17, 32, 33, 100} {
			size := width * n
			for _, src := range [][]byte{memory[:size:size], memory[len(memory)-size:]} {
				t.Run(fmt.Sprintf("width %d n %d", width, n), func(t *testing.T) {
					for _, gap := range []int{0, 3} {
						interleaving{n, 0, n, 0, width, gap, false}.check(t, src)
						interleaving{n, 0, n, 0, width, gap, true}.check(t, src)
					}
					checkStrided(t, src, width, 0, width, n, true)
				})
			}
		}
	}
}
