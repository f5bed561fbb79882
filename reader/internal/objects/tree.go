package objects

import (
	"context"
	"errors"
	"fmt"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Bounds of one tree.
const (
	maxObjects   = 1_000_000
	maxDepth     = 512
	maxTreePaths = 64 << 20  // bytes of all paths
	maxTreeAttrs = 128 << 20 // bytes of all attributes' values
)

// walker lists a file's objects, depth first.
type walker struct {
	*File
	ctx     context.Context
	s       *h5file.Source
	out     *meta.File
	first   map[uint64]string // the path of each object that was met
	paths   int               // bytes left
	attrs   int               // bytes left
	headers int               // bytes left
	values  *values
	outline bool
}

func newWalker(ctx context.Context, f *File) *walker {
	size := f.h5.Size()
	w := &walker{File: f, ctx: ctx, s: f.h5.Source(), out: &meta.File{}, first: map[uint64]string{}, values: f.newValues()}
	w.s.Grant(6*size + 64<<10) // names in heaps are given again, messages shared
	w.paths, w.attrs, w.headers = within(maxTreePaths, size), within(maxTreeAttrs, size), int(size)
	return w
}

// within is a bound of what a file of size bytes may give: 64 times the file, in small files some more.
func within(most, size uint64) int { return int(min(most, 4<<20+64*size)) }

// header reads an object's header. Headers do not overlap: in all they are not more than the file.
func (w *walker) header(addr uint64) (*h5file.Header, error) {
	h, err := w.s.Header(addr)
	if err == nil {
		if w.headers -= h.Bytes; w.headers < 0 {
			return nil, fault.New(fault.DataLoss, "read object header at %#x: the file is damaged: its headers overlap", addr)
		}
	}
	return h, err
}

// Tree lists every object once, by hard links from the root in the order of names; further hard links are Links. An object that
// cannot be read has Err and leaves the others. Storage is left out for chunked datasets: it would cost a walk of every chunk index. Errors: the
// context's.
func (f *File) Tree(ctx context.Context) (*meta.File, error) {
	w := newWalker(ctx, f)
	w.walk()
	return w.out, ctx.Err()
}

func (w *walker) walk() {
	root := w.h5.Root
	w.first[root] = "/"
	h, err := w.header(root)
	if err == nil && kindOf(h) != group {
		err = errors.New("the root is no group")
	}
	if err != nil {
		w.out.Groups = []meta.Group{{Path: "/", Addr: root, Err: err.Error()}}
		return
	}
	w.group(h, "", 0, 0)
}

// group lists a group; prefix is its path, "" for the root.
func (w *walker) group(h *h5file.Header, prefix string, order int64, depth int) {
	g := meta.Group{Path: prefix, Addr: h.Addr, Order: order, Attrs: w.attributesOf(h), Comment: comment(h)}
	if prefix == "" {
		g.Path = "/"
	}
	at := len(w.out.Groups)
	w.out.Groups = append(w.out.Groups, g)
	if err := w.members(h, prefix, depth); err != nil {
		w.out.Groups[at].Err = err.Error()
	}
}

func (w *walker) members(h *h5file.Header, prefix string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("groups nested deeper than %d", maxDepth)
	}
	all, err := links(w.s, h)
	for _, l := range all {
		if w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		path := pathOf(prefix, l.name)
		if !w.room(path, l) {
			return errors.New("too many objects: the rest is not listed")
		}
		w.link(path, l, depth)
	}
	return err
}

func (w *walker) room(path string, l link) bool {
	w.paths -= len(path) + len(l.target) + len(l.file)
	return w.paths >= 0 && len(w.out.Groups)+len(w.out.Datasets)+len(w.out.Links) < maxObjects
}

func (w *walker) link(path string, l link, depth int) {
	if l.class != hardLink {
		w.out.Links = append(w.out.Links, l.describe(path))
		return
	}
	if first, met := w.first[l.addr]; met {
		w.out.Links = append(w.out.Links, meta.Link{Path: path, Kind: "hard", Target: first, Order: l.order})
		return
	}
	w.first[l.addr] = path
	h, err := w.header(l.addr)
	if err != nil {
		w.out.Datasets = append(w.out.Datasets, meta.Dataset{Path: path, Addr: l.addr, Order: l.order, Err: err.Error(), Cause: err})
		return
	}
	w.object(h, path, l.order, depth)
}

func (w *walker) object(h *h5file.Header, path string, order int64, depth int) {
	switch kindOf(h) {
	case group:
		w.group(h, path, order, depth+1)
	case namedType:
		w.out.Groups = append(w.out.Groups, w.namedType(h, path, order))
	default:
		d := meta.Dataset{Path: path, Addr: h.Addr}
		if !w.outline {
			d = describe(w.s, h, path)
			d.Attrs, d.Order = w.attributesOf(h), order
		}
		w.out.Datasets = append(w.out.Datasets, d)
	}
}

func (w *walker) namedType(h *h5file.Header, path string, order int64) meta.Group {
	g := meta.Group{Path: path, Addr: h.Addr, Order: order, Named: true, Attrs: w.attributesOf(h), Comment: comment(h)}
	var err error
	if g.Type, err = w.s.Find(h, h5file.MsgType); err != nil {
		g.Err = err.Error()
	}
	return g
}

func (w *walker) attributesOf(h *h5file.Header) meta.Attrs {
	if w.outline {
		return meta.Attrs{}
	}
	return w.values.attributes(w.s, h, &w.attrs)
}
