package bufpool

import (
	"math/bits"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	alignment = 64
	minShift  = 9 // 512 bytes: the smallest class
	fine      = 16 << 20
)

// Pool keeps freed buffers by size class, at most keep bytes of them. Buffers are 64-byte aligned and not zeroed.
type Pool struct {
	mu    sync.Mutex
	keep  int64
	idle  int64
	inUse int64
	free  map[int][][]byte // by class size
	lost  atomic.Bool      // large buffers were dropped, which were not collected yet

	collecting sync.Mutex
}

// NewPool returns a pool that keeps up to keep bytes of freed buffers.
func NewPool(keep int64) *Pool {
	return &Pool{keep: keep, free: map[int][][]byte{}}
}

// classOf rounds a size up to its class: 4 classes to a power of two, so at most a fifth is wasted; 32 of large ones.
func classOf(n int) int {
	if n <= 1<<minShift {
		return 1 << minShift
	}
	shift := bits.Len(uint(n-1)) - 3 // n lies in (4*step, 8*step]
	if n > fine {
		shift -= 3
	}
	step := 1 << shift
	return (n + step - 1) / step * step
}

// Takes is how many bytes a buffer of n takes.
func Takes(n int64) int64 {
	if n <= 0 {
		return 0
	}
	return int64(classOf(int(n)))
}

// Get returns a buffer of n bytes whose capacity is its class. The content is arbitrary.
func (p *Pool) Get(n int) []byte {
	class := classOf(n)
	b := p.reuse(class)
	if class > fine || p.lost.Load() {
		p.collect()
	}
	if b == nil {
		b = aligned(class)
	}
	return b[:n]
}

// collect frees large buffers that were dropped: they would lie beside new ones until Go's collector finds them.
// One goroutine does so, others wait for that.
func (p *Pool) collect() {
	p.collecting.Lock()
	defer p.collecting.Unlock()
	if p.lost.Swap(false) {
		debug.FreeOSMemory()
	}
}

// reuse is a buffer that was kept, nil if there is none.
func (p *Pool) reuse(class int) (b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inUse += int64(class)
	list := p.free[class]
	if len(list) == 0 {
		p.shrink(int64(class))
		return nil
	}
	b, p.free[class] = last(list)
	p.idle -= int64(class)
	return b
}

// last takes a buffer from the end of a list, which does not keep it from being collected.
func last(list [][]byte) (b []byte, rest [][]byte) {
	n := len(list) - 1
	b, list[n] = list[n], nil
	return b, list[:n]
}

// shrink drops idle buffers of other classes to make room for n new bytes. Called locked.
func (p *Pool) shrink(n int64) {
	for class, list := range p.free {
		for len(list) > 0 && p.idle+p.inUse+n > p.keep {
			_, list = last(list)
			p.idle -= int64(class)
			p.drop(class)
		}
		p.free[class] = list
	}
}

// Put takes back a buffer that Get returned; only its owner may call it, once.
func (p *Pool) Put(b []byte) {
	class := cap(b)
	if classOf(class) != class {
		panic("bufpool: a buffer that is not the pool's")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inUse -= int64(class)
	if p.inUse < 0 {
		panic("bufpool: a buffer was freed twice")
	}
	if p.idle+p.inUse+int64(class) <= p.keep {
		poison(b[:class])
		p.free[class] = append(p.free[class], b[:class])
		p.idle += int64(class)
		return
	}
	p.drop(class)
}

// drop notes that a buffer is left to Go's collector.
func (p *Pool) drop(class int) {
	if class > fine {
		p.lost.Store(true)
	}
}

// yield lowers what is kept by n bytes, which lie elsewhere; a negative n raises it again.
func (p *Pool) yield(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep -= n
	p.shrink(0)
}

// InUse is the number of bytes in buffers that were not put back.
func (p *Pool) InUse() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inUse
}

func aligned(n int) []byte {
	raw := make([]byte, n+alignment)
	off := int(-uintptr(unsafe.Pointer(&raw[0])) & (alignment - 1))
	return raw[off : off+n : off+n]
}
