package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"fmt"

	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Bounds of one tree.
const (
	maxObjects   = 1_000_000
	maxDepth     = 512
	maxTreePaths = 64 << 20  // bytes of all paths
	maxTreeAttrs = 128 << 20 // bytes of all attributes' values
)

type walker struct {
	*File
	ctx     context.Context
	out     *meta.File
	first   map[uint64]string // the path of each object that was met
	paths   int               // bytes left
	attrs   int               // bytes left
	outline bool              // paths and addresses only
}

// Tree lists every object once, by hard links from the root in the order of names; further hard links are Links. An object that
// cannot be opened or understood has Err and leaves the others. Storage is left out for chunked datasets: it would cost a walk of every
// chunk index. Errors: the context's.
func (f *File) Tree(ctx context.Context) (*meta.File, error) {
	defer enter()()
	return f.walk(ctx, false)
}

func (f *File) walk(ctx context.Context, outline bool) (*meta.File, error) {
	w := &walker{File: f, ctx: ctx, out: &meta.File{}, first: map[uint64]string{},
		paths: maxTreePaths, attrs: maxTreeAttrs, outline: outline}
	root, err := f.file.OpenGroup("/")
	if err != nil {
		w.out.Groups = []meta.Group{{Path: "/", Err: f.cause()}}
		return w.out, nil
	}
	defer root.Close()
	id := C.hid_t(root.ID())
	var addr C.haddr_t
	if C.h5c_object_addr(id, &addr) < 0 {
		w.out.Groups = []meta.Group{{Path: "/", Err: f.cause()}}
		return w.out, nil
	}
	w.first[uint64(addr)] = "/"
	w.group(id, "", link{addr: uint64(addr)}, 0)
	return w.out, ctx.Err()
}

// group lists an open group that a link led to; prefix is its path, "" for the root.
func (w *walker) group(id C.hid_t, prefix string, by link, depth int) {
	g := meta.Group{Path: prefix, Addr: by.addr, Order: by.order, Attrs: w.attributes(id)}
	if prefix == "" {
		g.Path = "/"
	}
	at := len(w.out.Groups)
	w.out.Groups = append(w.out.Groups, g)
	if depth > maxDepth {
		w.out.Groups[at].Err = fmt.Sprintf("groups nested deeper than %d", maxDepth)
		return
	}
	links, err := w.links(id)
	for _, l := range links {
		if w.ctx.Err() != nil {
			return
		}
		path := prefix + "/" + spell.Escape(l.name)
		if !w.room(path, l) {
			w.out.Groups[at].Err = "too many objects: the rest is not listed"
			return
		}
		w.link(path, l, depth)
	}
	if err != nil {
		w.out.Groups[at].Err = err.Error()
	}
}

func (w *walker) room(path string, l link) bool {
	w.paths -= len(path) + len(l.value)
	return w.paths >= 0 && len(w.out.Groups)+len(w.out.Datasets)+len(w.out.Links) < maxObjects
}

func (w *walker) link(path string, l link, depth int) {
	if l.kind != hardLink {
		w.out.Links = append(w.out.Links, l.describe(path))
		return
	}
	if first, met := w.first[l.addr]; met {
		w.out.Links = append(w.out.Links, meta.Link{Path: path, Kind: "hard", Target: first, Order: l.order})
		return
	}
	w.first[l.addr] = path
	// By address, not by name: a name with a slash in it can't lead astray.
	id := C.H5Oopen_by_addr(w.id, C.haddr_t(l.addr))
	if id < 0 {
		w.out.Datasets = append(w.out.Datasets, meta.Dataset{Path: path, Addr: l.addr, Order: l.order, Err: w.cause()})
		return
	}
	defer C.H5Oclose(id)
	w.object(id, path, l, depth)
}

func (w *walker) object(id C.hid_t, path string, by link, depth int) {
	switch C.H5Iget_type(id) {
	case C.H5I_GROUP:
		w.group(id, path, by, depth+1)
	case C.H5I_DATATYPE:
		w.out.Groups = append(w.out.Groups, meta.Group{Path: path, Addr: by.addr, Order: by.order, Named: true, Attrs: w.attributes(id)})
	default:
		d := meta.Dataset{Path: path, Addr: by.addr, Order: by.order}
		if !w.outline {
			d = w.dataset(id, d, false)
			d.Attrs = w.attributes(id)
		}
		w.out.Datasets = append(w.out.Datasets, d)
	}
}

func (w *walker) attributes(id C.hid_t) meta.Attrs {
	if w.outline {
		return meta.Attrs{}
	}
	budget := min(maxAttrs, w.attrs)
	before := budget
	out := w.readAttrs(id, &budget)
	w.attrs -= before - budget
	return out
}
