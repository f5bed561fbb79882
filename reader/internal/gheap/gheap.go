// Package gheap reads the global heap, where HDF5 keeps the values of variable-length data (HDF5 File Format
// Specification Version 3.0, III.E).
//
// Heap is the one type to know. It is safe for concurrent use as far as its io.ReaderAt is, starts no goroutine and
// closes nothing. Bytes it returns are never to be changed; they stay valid as long as the caller holds them and keep
// their whole collection in memory meanwhile.
package gheap

import (
	"container/list"
	"encoding/binary"
	"sync"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Heap reads a file's global heap collections, and keeps those used last.
type Heap struct {
	f     *h5file.File
	limit int64

	mu     sync.Mutex
	used   int64                    // bytes of the collections kept
	recent *list.List               // of *collection, the one used last in front
	at     map[uint64]*list.Element // by address
}

// collection is one piece of the heap. It is immutable.
type collection struct {
	addr  uint64
	bytes []byte
	spans []span // by object index
}

// span is an object's place in its collection; free if start is zero.
type span struct{ start, end uint32 }

// New returns the heap of a file. Collections are kept up to about cacheBytes, but always the last one.
func New(f *h5file.File, cacheBytes int64) *Heap {
	return &Heap{f: f, limit: cacheBytes, recent: list.New(), at: map[uint64]*list.Element{}}
}

// Object returns the bytes of an object: addr is its collection's address, relative to the base, and index its number
// there, as variable-length elements have them. The null reference (address 0 or undefined, or index 0) is nil; an
// object of no bytes is empty. It fails with fault.DataLoss if there is no such object or its collection is damaged.
func (h *Heap) Object(addr uint64, index uint32) ([]byte, error) {
	return h.object(addr, index, func(uint64) error { return nil })
}

// Metered is a Heap for one caller who may make it read so many bytes: elements may point to and fro between collections
// that are larger than what is kept. It is not safe for concurrent use.
type Metered struct {
	heap *Heap
	left uint64
}

// Metered is the heap for who may read n bytes of it.
func (h *Heap) Metered(n uint64) *Metered { return &Metered{h, n} }

// lookup is what finding an object in a collection that is kept counts for, in bytes read.
const lookup = 64

// Object is Heap's. It fails with fault.DataLoss when too much was read.
func (m *Metered) Object(addr uint64, index uint32) ([]byte, error) {
	if err := m.spend(lookup); err != nil {
		return nil, err
	}
	return m.heap.object(addr, index, m.spend)
}

func (m *Metered) spend(n uint64) error {
	if n > m.left {
		return fault.New(fault.DataLoss, "gheap: the file is damaged: its values point at the same collections again and again")
	}
	m.left -= n
	return nil
}

func (h *Heap) object(addr uint64, index uint32, spend func(uint64) error) ([]byte, error) {
	if addr == 0 || addr == h5file.Undefined || index == 0 {
		return nil, nil
	}
	c, err := h.collection(addr, spend)
	if err != nil {
		return nil, err
	}
	if uint64(index) >= uint64(len(c.spans)) || c.spans[index].start == 0 {
		return nil, fault.New(fault.DataLoss, "gheap: read object %d of collection %#x: no such object", index, addr)
	}
	s := c.spans[index]
	return c.bytes[s.start:s.end:s.end], nil
}

// collection returns the collection at addr from the cache or the file. Two callers may read the same one at once; the
// first to come back wins.
func (h *Heap) collection(addr uint64, spend func(uint64) error) (*collection, error) {
	if c := h.cached(addr); c != nil {
		return c, nil
	}
	c, err := h.load(addr, spend)
	if err != nil {
		return nil, err
	}
	h.keep(c)
	return c, nil
}

func (h *Heap) cached(addr uint64) *collection {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.at[addr]
	if e == nil {
		return nil
	}
	h.recent.MoveToFront(e)
	return e.Value.(*collection)
}

func (h *Heap) keep(c *collection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at[c.addr] != nil {
		return
	}
	h.at[c.addr] = h.recent.PushFront(c)
	h.used += c.footprint()
	for h.used > h.limit && h.recent.Len() > 1 {
		last := h.recent.Remove(h.recent.Back()).(*collection)
		delete(h.at, last.addr)
		h.used -= last.footprint()
	}
}

func (c *collection) footprint() int64 { return int64(len(c.bytes)) + 8*int64(len(c.spans)) }

// minCollection is H5HG_MINSIZE, the smallest size of a collection (specification III.E); libhdf5 refuses smaller ones.
const minCollection = 4096

// load reads a collection, whose header says how long it is.
func (h *Heap) load(addr uint64, spend func(uint64) error) (*collection, error) {
	head := h.head()
	b, err := h.f.Read(addr, uint64(head))
	if err != nil {
		return nil, err
	}
	if string(b[:4]) != "GCOL" || b[4] != 1 {
		return nil, fault.New(fault.DataLoss, "gheap: read collection %#x: none there", addr)
	}
	size := h.length(b[8:])
	if size < minCollection || size > 1<<32-1 {
		return nil, fault.New(fault.DataLoss, "gheap: read collection %#x: size %d, HDF5 has at least %d", addr, size, minCollection)
	}
	if err := spend(size); err != nil {
		return nil, err
	}
	if b, err = h.f.Read(addr, size); err != nil {
		return nil, err
	}
	c := &collection{addr: addr, bytes: b}
	return c, h.index(c, head)
}

// head is the length of the header of a collection, and of one of its objects: eight bytes and a length, aligned to
// eight as all is in a collection.
func (h *Heap) head() int { return align(8 + int(h.f.SizeOfLengths)) }

func align(n int) int { return (n + 7) &^ 7 }

// length decodes a length in the file's width.
func (h *Heap) length(b []byte) uint64 {
	var v [8]byte
	copy(v[:], b[:h.f.SizeOfLengths])
	return binary.LittleEndian.Uint64(v[:])
}

// index notes where the objects are, from the first at a position on. Object 0 is the free space, with which a
// collection ends; a rest too small for an object's header is free too.
func (h *Heap) index(c *collection, at int) error {
	head := h.head()
	for len(c.bytes)-at >= head {
		number := int(binary.LittleEndian.Uint16(c.bytes[at:]))
		size := h.length(c.bytes[at+8:])
		if number == 0 {
			return nil
		}
		at += head
		if size > uint64(len(c.bytes)-at) {
			return fault.New(fault.DataLoss, "gheap: read collection %#x: object %d of %d bytes exceeds it", c.addr, number, size)
		}
		if number >= len(c.spans) {
			c.spans = append(c.spans, make([]span, number+1-len(c.spans))...)
		}
		c.spans[number] = span{uint32(at), uint32(at) + uint32(size)}
		at = min(at+align(int(size)), len(c.bytes))
	}
	return nil
}
