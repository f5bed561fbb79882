package admission

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"google.golang.org/grpc/mem"
)

// Pool is gRPC's buffers of what is read, counted. gRPC takes none for messages of up to a KiB.
func (d *Door) Pool() mem.BufferPool { return pool{d, mem.DefaultBufferPool()} }

type pool struct {
	door *Door
	of   mem.BufferPool
}

// buffer is what Get gives; its first member is what gRPC knows of it.
type buffer struct {
	bytes []byte
	below *[]byte // of the pool below
	count *count
	stop  runtime.Cleanup
}

// count is the bytes of a buffer, until they are given back.
type count struct {
	door *Door
	n    int64
	over atomic.Bool
}

func (c *count) end() {
	if !c.over.Swap(true) {
		c.door.held.Add(-c.n)
	}
}

// Get waits a moment where there is no room, which stops the connection that sends, and ends calls that hold some. gRPC drops, without
// Put, what a call that has ended was sent: that counts until it is collected.
func (p pool) Get(length int) *[]byte {
	if !p.door.enter(int64(length)) {
		p.door.held.Add(int64(length)) // all the same: gRPC has to read
	}
	below := p.of.Get(length)
	b := &buffer{bytes: *below, below: below, count: &count{door: p.door, n: int64(length)}}
	b.stop = runtime.AddCleanup(b, (*count).end, b.count)
	return &b.bytes
}

// Put takes back what Get gave.
func (p pool) Put(bytes *[]byte) {
	b := (*buffer)(unsafe.Pointer(bytes))
	b.stop.Stop()
	b.count.end()
	p.of.Put(b.below)
}

const step = 2 * time.Millisecond // until bytes of a call that was ended are back

// enter counts bytes that are about to be read, unless there is no room after a moment.
func (d *Door) enter(n int64) bool {
	for range d.steps {
		if d.held.Add(n) <= d.room {
			return true
		}
		d.held.Add(-n)
		d.makeRoom()
		d.collect()
		time.Sleep(step)
	}
	return false
}

// collect has Go look for what was dropped, once at a time.
func (d *Door) collect() {
	if d.collecting.CompareAndSwap(false, true) {
		go func() {
			runtime.GC()
			d.collecting.Store(false)
		}()
	}
}
