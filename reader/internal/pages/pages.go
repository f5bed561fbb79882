// Package pages keeps mapped what is read again and again of files: a copy from there costs half of what pread takes.
//
// A Keeper bounds how much: it reserves the bytes from a budget of which a quarter stays free, and gives all back when
// anybody runs short. An Area is one file's; Read copies what is kept and in memory, and leaves the rest to the caller:
// what has to come from a disk is better read. All types are safe for concurrent use.
package pages

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// Keeper is what the areas of all files share.
type Keeper struct {
	mem   *bufpool.Memory
	clock atomic.Int64 // counts reads
	deaf  func()       // ends OnShortage

	mu    sync.Mutex
	held  int64     // bytes reserved
	short time.Time // when all was given back last
	areas map[*Area]bool
}

// NewKeeper makes a keeper that reserves what it keeps of a memory's budget.
func NewKeeper(m *bufpool.Memory) *Keeper {
	k := &Keeper{mem: m, areas: map[*Area]bool{}}
	k.deaf = m.Budget.OnShortage(k.drop)
	return k
}

// Close gives everything back. Nothing may be read afterwards.
func (k *Keeper) Close() {
	k.deaf()
	k.drop()
}

// Held is the bytes kept, which are part of those the budget calls used.
func (k *Keeper) Held() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held
}

// Of makes the area of an open file of so many bytes, which its user has to End; nil if it can't be mapped.
func (k *Keeper) Of(fd uintptr, size int64) *Area {
	if size <= 0 {
		return nil
	}
	mem, err := unix.Mmap(int(fd), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil // reading tells why, if it can't either
	}
	a := newArea(k, mem)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.areas[a] = true
	return a
}

// drop gives everything back.
func (k *Keeper) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held > 0 {
		k.short = time.Now()
	}
	for a := range k.areas {
		a.drop()
	}
}

// rest is how long nothing is kept after somebody ran short, who would run short again.
const rest = time.Second

// reserve takes n bytes for an area, if need be those of areas that were not read for longer.
func (k *Keeper) reserve(n int64, of *Area) bool {
	if k.resting() {
		return false
	}
	for k.mem.Budget.Used()+n > k.mem.Budget.Limit()/4*3 {
		if !k.dropOldest(of) {
			return false
		}
	}
	return k.mem.TryReserve(n)
}

func (k *Keeper) resting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Since(k.short) < rest
}

// dropOldest gives back the area that was read last the longest ago, unless that is the one to gain by it.
func (k *Keeper) dropOldest(of *Area) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	var oldest *Area
	for a := range k.areas {
		if a.held > 0 && (oldest == nil || a.used.Load() < oldest.used.Load()) {
			oldest = a
		}
	}
	if oldest == nil || oldest == of {
		return false
	}
	oldest.drop()
	return true
}
