package parquet

import (
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// buffers is an allocator for what a row group is gathered in: a buffer that grows beyond `small` gets room for more at
// once, of which only what is used becomes resident, and the next row group uses it again. It hands out zeros, as Go
// does. It is used by several goroutines.
type buffers struct {
	mu   sync.Mutex
	free [][]byte // of `large` bytes each
}

const (
	small = 1 << 20
	large = 16 << 20 // a row group's values of eight bytes, and half as much again
)

var _ memory.Allocator = (*buffers)(nil)

// Allocate is part of memory.Allocator.
func (b *buffers) Allocate(size int) []byte {
	if size <= small || size > large {
		return make([]byte, size)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.free) == 0 {
		return make([]byte, size, large)
	}
	one := b.free[len(b.free)-1][:size]
	b.free = b.free[:len(b.free)-1]
	clear(one)
	return one
}

// Reallocate is part of memory.Allocator.
func (b *buffers) Reallocate(size int, old []byte) []byte {
	if size <= cap(old) {
		if size > len(old) {
			clear(old[len(old):size])
		}
		return old[:size]
	}
	out := b.Allocate(size)
	copy(out, old)
	b.Free(old)
	return out
}

// Free is part of memory.Allocator.
func (b *buffers) Free(old []byte) {
	if cap(old) != large {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, old)
}
