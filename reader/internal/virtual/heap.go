package virtual

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// MaxOrigins is how many files one virtual dataset may read: their numbers take the upper half of a heap index, of
// which files use the lower only (III.E: an object's index has two bytes).
const MaxOrigins = 1 << 16

// origins numbers the files that a virtual dataset's elements come from; 0 is its own. Safe for concurrent use.
type origins struct {
	mu      sync.Mutex
	numbers map[string]uint32
	files   []File
}

func newOrigins(own File) *origins {
	o := &origins{numbers: map[string]uint32{}}
	_, _ = o.of(own) // there is room for one
	return o
}

// of is a file's number. One that is not the file it was is fault.Changed.
func (o *origins) of(f File) (uint32, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n, ok := o.numbers[f.Path]; ok {
		if o.files[n].State != f.State {
			return 0, fault.New(fault.Changed, "virtual source %s changed while it was read: ask again", f.Name)
		}
		return n, nil
	}
	if len(o.files) == MaxOrigins {
		return 0, fault.New(fault.Unsupported, "virtual dataset of more than %d files", MaxOrigins)
	}
	n := uint32(len(o.files))
	o.numbers[f.Path] = n
	o.files = append(o.files, f)
	return n, nil
}

// open opens a file by its number.
func (o *origins) open(ctx context.Context, n uint32) (f File, err error) {
	o.mu.Lock()
	if int(n) >= len(o.files) {
		o.mu.Unlock()
		return f, fault.New(fault.DataLoss, "heap object of file %d among %d", n, len(o.files))
	}
	was := o.files[n]
	o.mu.Unlock()
	if f, err = was.Reopen(ctx); err != nil {
		return f, err
	}
	if f.State != was.State {
		return f, fault.New(fault.Changed, "virtual source %s changed while it was read: ask again", f.Name)
	}
	return f, nil
}

// mark puts a file's number into a heap pointer: a length, an address and an index.
func mark(pointer []byte, offsetSize int, origin uint32) error {
	index := pointer[4+offsetSize : 8+offsetSize]
	n := binary.LittleEndian.Uint32(index)
	if n >= MaxOrigins && binary.LittleEndian.Uint32(pointer) != 0 {
		return fault.New(fault.DataLoss, "heap object with the index %d", n)
	}
	binary.LittleEndian.PutUint32(index, n%MaxOrigins|origin<<16)
	return nil
}

// pointersIn lists where an element of a type holds heap pointers.
func pointersIn(at []int, t *h5type.Type, off int) []int {
	switch t.Class {
	case h5type.VarLen:
		return append(at, off)
	case h5type.Compound:
		for _, m := range t.Members {
			at = pointersIn(at, m.Type, off+m.Offset)
		}
	case h5type.Array:
		if !t.HasVarLen() {
			return at
		}
		for i := range t.Size / t.Base.Size {
			at = pointersIn(at, t.Base, off+i*t.Base.Size)
		}
	}
	return at
}

// portable tells whether elements mean the same in another file once their heap pointers are marked: not what points
// from within the heap, and no references.
func portable(t *h5type.Type) bool {
	switch t.Class {
	case h5type.Reference:
		return false
	case h5type.VarLen:
		return t.VarString || !t.Base.HasVarLen() && portable(t.Base)
	case h5type.Compound:
		for _, m := range t.Members {
			if !portable(m.Type) {
				return false
			}
		}
		return true
	}
	return t.Base == nil || portable(t.Base)
}

// heapResolver finds heap objects in the file that elements come from. It is used by one goroutine.
type heapResolver struct {
	convert.Resolver // of the virtual dataset's own file
	ctx              context.Context
	origins          *origins
	files            map[uint32]File
}

// Heap is an object of the global heap of the file that the index names.
func (r heapResolver) Heap(addr uint64, index uint32) ([]byte, error) {
	n := index / MaxOrigins
	f, known := r.files[n]
	if !known {
		var err error
		if f, err = r.origins.open(r.ctx, n); err != nil {
			return nil, err
		}
		r.files[n] = f
	}
	return f.Heap(addr, index%MaxOrigins)
}

// Resolver finds what elements only point at; own is that of the virtual dataset's file.
func (v *Store) Resolver(ctx context.Context, own convert.Resolver) convert.Resolver {
	return heapResolver{Resolver: own, ctx: ctx, origins: v.origins, files: map[uint32]File{}}
}
