package objects

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/attrs"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Bounds of attributes' values, in bytes.
const (
	listedValue = 16 << 10 // of one that is listed
	loadedValue = 64 << 20 // of one that decides what a request means
	objectAttrs = 4 << 20  // of one object's that are listed
)

// File is what an open HDF5 file holds.
type File struct {
	h5   *h5file.File
	heap *gheap.Heap

	mu    sync.Mutex
	names map[uint64]string // paths by address, once a reference asked for one
}

// New is of a file whose variable-length values are in heap. It keeps both.
func New(h5 *h5file.File, heap *gheap.Heap) *File { return &File{h5: h5, heap: heap} }

// attributes are an object's for listings, at most budget bytes of them.
func (f *File) attributes(s *h5file.Source, h *h5file.Header, budget *int) meta.Attrs {
	all, err := attributes(s, h)
	out := meta.Attrs{Load: func(name string) (json.RawMessage, error) { return f.load(h, name) }}
	if err != nil {
		out.Err = err.Error()
	}
	left := min(objectAttrs, *budget)
	before := left
	for _, a := range all {
		if a.name == "" && a.err != nil { // it may be any
			out.Err = a.err.Error()
			continue
		}
		if left -= len(a.name) + 16; left < 0 { // names count too: a million empty attributes are not free
			out.Err = "too many attributes: the rest is not listed"
			break
		}
		x := f.listed(a, min(listedValue, left))
		left -= len(x.Value)
		out.All = append(out.All, x)
	}
	*budget -= before - max(left, 0)
	return out
}

// listed is an attribute with its value, if that is not larger than limit.
func (f *File) listed(a attribute, limit int) meta.Attr {
	out := meta.Attr{Name: a.name}
	v, err := f.value(a, limit)
	var large *attrs.TooLarge
	switch {
	case errors.As(err, &large):
		out.Bytes = large.Bytes
	case err != nil:
		out.Err = err.Error()
	default:
		out.Value = v
	}
	return out
}

func (f *File) value(a attribute, limit int) (json.RawMessage, error) {
	if a.err != nil {
		return nil, a.err
	}
	t, err := h5type.Parse(a.typ)
	if err != nil {
		return nil, err
	}
	v := attrs.Value{Type: t, Space: a.space, Data: a.data, Size: a.size, OffsetSize: int(f.h5.SizeOfOffsets)}
	return attrs.JSON(v, pointed{f}, limit)
}

// load is the value of one attribute of an object, of up to loadedValue bytes.
func (f *File) load(h *h5file.Header, name string) (json.RawMessage, error) {
	a, found, err := findAttribute(f.h5.Source(), h, name)
	if err != nil || !found {
		return nil, err
	}
	v, err := f.value(a, loadedValue)
	var large *attrs.TooLarge
	if errors.As(err, &large) {
		return nil, fault.New(fault.Unsupported, "a value of %d bytes, more than %d", large.Bytes, loadedValue)
	}
	return v, err
}

// pointed finds what attributes' elements point at.
type pointed struct{ *File }

// Object is part of attrs.Pointed.
func (p pointed) Object(addr uint64, index uint32) ([]byte, error) { return p.heap.Object(addr, index) }

// Name is part of attrs.Pointed.
func (p pointed) Name(addr uint64) (string, error) {
	names, err := p.Names(context.Background())
	return names[addr], err
}

// Names are the paths of all objects by the addresses of their headers, the first one of each that a listing finds. The map
// is made once and not to be changed. Errors: the context's.
func (f *File) Names(ctx context.Context) (map[uint64]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names != nil {
		return f.names, nil
	}
	w := newWalker(ctx, f)
	w.outline = true
	w.walk()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.names = map[uint64]string{}
	for _, g := range w.out.Groups {
		f.names[g.Addr] = g.Path
	}
	for _, d := range w.out.Datasets {
		f.names[d.Addr] = d.Path
	}
	return f.names, nil
}
