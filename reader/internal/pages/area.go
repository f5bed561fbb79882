package pages

import (
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	leastRead   = 16 << 10 // fewer bytes are read in the time that asking whether they are in memory takes
	leastWindow = 4 << 20
	mostWindows = 1 << 16
)

// Area is a file's bytes. They are kept or given back in windows.
type Area struct {
	keeper *Keeper
	mem    []byte
	window int64
	asked  []atomic.Int64 // of each window: bytes that were asked for, or kept
	used   atomic.Int64   // by the keeper's clock
	held   int64          // bytes of windows that are kept; guarded by keeper.mu
}

// kept is a window's count when it is kept.
const kept = -1

func newArea(k *Keeper, mem []byte) *Area {
	size, window := int64(len(mem)), int64(leastWindow)
	for size/window >= mostWindows {
		window *= 2
	}
	return &Area{keeper: k, mem: mem, window: window, asked: make([]atomic.Int64, (size+window-1)/window)}
}

// Read fills p from off if all of it is kept and in memory, and says so. It is kept once as many bytes have been asked for
// of a window as it has. Where the file has been cut off meanwhile, or its disk fails, the error is fault.DataLoss. A nil
// Area keeps nothing.
func (a *Area) Read(p []byte, off uint64) (done bool, err error) {
	return a.look(off, uint64(len(p)), true, func(b []byte) { copy(p, b) })
}

// Look is Read without the copy: use gets the bytes, for the time of the call. It must not hand them to C, hold a lock that
// others wait for or leave anything half done, since it ends with a panic where the file has been cut off. Bytes that are not
// kept do not count as read: they will be, by Read.
func (a *Area) Look(off, n uint64, use func(b []byte)) (looked bool, err error) {
	return a.look(off, n, false, use)
}

// look is Look; counted: the bytes count as read.
func (a *Area) look(off, n uint64, counted bool, use func(b []byte)) (looked bool, err error) {
	if a == nil || n < leastRead || off > uint64(len(a.mem)) || n > uint64(len(a.mem))-off {
		return false, nil
	}
	if !a.keep(int64(off), int64(off+n), counted) || !a.resident(off, n) {
		return false, nil
	}
	return true, guarded(a.mem[off:off+n:off+n], use)
}

// resident tells whether n bytes from off are in memory, as far as the kernel says.
func (a *Area) resident(off, n uint64) bool {
	page := uint64(os.Getpagesize())
	var there [1024]byte // one bit of each counts
	for at := off / page * page; at < off+n; at += uint64(len(there)) * page {
		part := a.mem[at:min(off+n, at+uint64(len(there))*page)]
		pages := there[:(uint64(len(part))+page-1)/page]
		_, _, errno := unix.Syscall(unix.SYS_MINCORE,
			uintptr(unsafe.Pointer(&part[0])), uintptr(len(part)), uintptr(unsafe.Pointer(&pages[0])))
		if errno != 0 || slices.ContainsFunc(pages, func(b byte) bool { return b&1 == 0 }) {
			return false
		}
	}
	return true
}

// keep tells whether all windows of a range are kept; counted: it is read now.
func (a *Area) keep(from, end int64, counted bool) bool {
	a.used.Store(a.keeper.clock.Add(1))
	all := true
	for from < end {
		w := from / a.window
		to := min(end, (w+1)*a.window)
		n := int64(0)
		if counted {
			n = to - from
		}
		all = a.keepWindow(int(w), n) && all
		from = to
	}
	return all
}

// keepWindow tells whether a window is kept, of which n more bytes are read.
func (a *Area) keepWindow(w int, n int64) bool {
	for {
		asked := a.asked[w].Load()
		switch {
		case asked == kept:
			return true
		case asked >= a.size(w):
			return a.take(w)
		case a.asked[w].CompareAndSwap(asked, asked+n):
			return false
		}
	}
}

// take keeps a window if there is room.
func (a *Area) take(w int) bool {
	k, n := a.keeper, a.size(w)
	if !k.reserve(n, a) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.asked[w].Swap(kept) == kept { // somebody else was faster
		k.mem.Return(n)
		return true
	}
	a.held += n
	k.held += n
	return true
}

// size is the bytes of a window; the last one may be short.
func (a *Area) size(w int) int64 {
	return min(a.window, int64(len(a.mem))-int64(w)*a.window)
}

// Drop gives back what is kept, for a file that will hardly be read again.
func (a *Area) Drop() {
	if a == nil {
		return
	}
	a.keeper.mu.Lock()
	defer a.keeper.mu.Unlock()
	a.drop()
}

// drop is Drop under the keeper's lock. Whoever copies just now goes on: the kernel maps the bytes again, and they stay until
// the next time.
func (a *Area) drop() {
	if a.held == 0 {
		return
	}
	for w := range a.asked {
		a.asked[w].CompareAndSwap(kept, a.size(w))
	}
	_ = unix.Madvise(a.mem, unix.MADV_DONTNEED)
	a.keeper.mem.Return(a.held)
	a.keeper.held -= a.held
	a.held = 0
}

// End unmaps the file. Nobody may be reading it.
func (a *Area) End() {
	a.keeper.mu.Lock()
	defer a.keeper.mu.Unlock()
	a.drop()
	delete(a.keeper.areas, a)
	_ = unix.Munmap(a.mem)
}

// guarded calls use with mapped bytes. Where the file has lost them a look is a fault, which the runtime makes a panic.
func guarded(b []byte, use func(b []byte)) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		v := recover()
		if at, ok := v.(interface{ Addr() uintptr }); ok && at.Addr()-address(b) < uintptr(len(b)) {
			err = fault.New(fault.DataLoss, "%d bytes that were there are lost: the file has been cut off, or its disk fails", len(b))
		} else if v != nil {
			panic(v)
		}
	}()
	use(b)
	return nil
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
