package objects

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
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
	names *names // once a reference asked for one

	root sync.Map // whether the root group has an attribute, by name
}

// New is of a file whose variable-length values are in heap. It keeps both.
func New(h5 *h5file.File, heap *gheap.Heap) *File { return &File{h5: h5, heap: heap} }

// values makes the values of attributes for one call, within its bounds.
type values struct {
	*File
	heap  *gheap.Metered
	types map[*byte]*h5type.Type // by the place in memory of their messages, which may be shared by many attributes
}

func (f *File) newValues() *values {
	return &values{File: f, heap: f.heap.Metered(16*f.h5.Size() + loadedValue), types: map[*byte]*h5type.Type{}}
}

// attributes are an object's for listings, at most budget bytes of them.
func (f *values) attributes(s *h5file.Source, h *h5file.Header, budget *int) meta.Attrs {
	all, err := attributes(s, h)
	out := meta.Attrs{Load: func(name string) (json.RawMessage, error) { return f.load(h.Addr, name) }}
	if err != nil {
		out.Err = err.Error()
	}
	left := min(objectAttrs, *budget)
	before := left
	for _, a := range all {
		if left -= len(spell.Escape(a.name)) + 16; left < 0 { // names count too: a million empty attributes are not free
			out.Err = "too many attributes: the rest is not listed"
			break
		}
		x := f.listed(a, min(listedValue, left))
		left -= len(x.Value)
		if x.Err != "" { // it may have taken as long as a value
			left -= min(len(a.data), listedValue)
		}
		out.All = append(out.All, x)
	}
	*budget -= before - max(left, 0)
	slices.SortStableFunc(out.All, func(x, y meta.Attr) int { return cmp.Compare(x.Name, y.Name) }) // spelled
	return out
}

// listed is an attribute with its value, if that is not larger than limit.
func (f *values) listed(a attribute, limit int) meta.Attr {
	out := meta.Attr{Name: spell.Escape(a.name)}
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

func (f *values) value(a attribute, limit int) (json.RawMessage, error) {
	if a.err != nil {
		return nil, a.err
	}
	t, err := f.parse(a.typ)
	if err != nil {
		return nil, err
	}
	v := attrs.Value{Type: t, Space: a.space, Data: a.data, Size: a.size, OffsetSize: int(f.h5.SizeOfOffsets)}
	return attrs.JSON(v, f, limit)
}

// maxParsed bounds the types that are kept.
const maxParsed = 64

func (f *values) parse(message []byte) (*h5type.Type, error) {
	if len(message) == 0 {
		return h5type.Parse(message)
	}
	if t := f.types[&message[0]]; t != nil {
		return t, nil
	}
	t, err := h5type.Parse(message)
	if err == nil {
		if len(f.types) == maxParsed {
			clear(f.types)
		}
		f.types[&message[0]] = t
	}
	return t, err
}

// load is the value of the attribute of a spelled name of the object at addr, of up to loadedValue bytes.
func (f *File) load(addr uint64, name string) (json.RawMessage, error) {
	s := f.h5.Source()
	h, err := s.Header(addr)
	if err != nil {
		return nil, err
	}
	s.Grant(2 * f.h5.Size())
	a, found, err := findAttribute(s, h, spell.Unescape(name))
	if err != nil || !found {
		return nil, err
	}
	v, err := f.newValues().value(a, loadedValue)
	var large *attrs.TooLarge
	if errors.As(err, &large) {
		return nil, fault.New(fault.Unsupported, "a value of %d bytes, more than %d", large.Bytes, loadedValue)
	}
	return v, err
}

// Object is part of attrs.Pointed.
func (f *values) Object(addr uint64, index uint32) ([]byte, error) { return f.heap.Object(addr, index) }

// Name is part of attrs.Pointed.
func (f *values) Name(addr uint64) (string, error) { return f.File.Name(context.Background(), addr) }

// names are paths by the addresses of objects' headers.
type names struct {
	paths map[uint64]string
	err   error // why there may be others
}

// Name is the path of the object whose header is at addr, the first one that a listing finds; "" if it finds none. It fails
// where not all could be listed, with the context's error too.
func (f *File) Name(ctx context.Context, addr uint64) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names == nil {
		n, err := f.outline(ctx)
		if err != nil {
			return "", err
		}
		f.names = n
	}
	if path, ok := f.names.paths[addr]; ok {
		return path, nil
	}
	return "", f.names.err
}

// outline walks the file once for its names.
func (f *File) outline(ctx context.Context) (*names, error) {
	w := newWalker(ctx, f)
	w.outline = true
	w.walk()
	n := &names{paths: map[uint64]string{}}
	for _, g := range w.out.Groups {
		n.paths[g.Addr] = g.Path
		if g.Err != "" && !g.Named {
			n.err = fault.New(fault.DataLoss, "the object of a reference cannot be told: the group %q cannot be listed: %s", g.Path, g.Err)
		}
	}
	for _, d := range w.out.Datasets {
		n.paths[d.Addr] = d.Path
	}
	return n, ctx.Err()
}
