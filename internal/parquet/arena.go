package parquet

import (
	"sync"

	"golang.org/x/sys/unix"
)

// arena keeps the pages of a row group until it is written, in memory that the next one uses again. It is used by
// several goroutines.
type arena struct {
	mu     sync.Mutex
	blocks [][]byte
	block  int // the one that is filled
	used   int // of it
}

const blockBytes = 16 << 20

// keep copies data.
func (a *arena) keep(data []byte) []byte {
	out := a.room(len(data))
	copy(out, data)
	return out
}

func (a *arena) room(n int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.block < len(a.blocks) && len(a.blocks[a.block])-a.used < n {
		a.block, a.used = a.block+1, 0
	}
	if a.block == len(a.blocks) {
		a.blocks = append(a.blocks, newBlock(n))
	}
	a.used += n
	return a.blocks[a.block][a.used-n : a.used : a.used]
}

// newBlock has huge pages, where the kernel gives them: the first touch of small ones costs more than what is put there.
func newBlock(n int) []byte {
	out := make([]byte, max(n, blockBytes))
	_ = unix.Madvise(out, unix.MADV_HUGEPAGE) // without it, it is slower
	return out
}

// reset gives up what was kept.
func (a *arena) reset() { a.block, a.used = 0, 0 }
