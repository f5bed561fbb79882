package witness

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Merge is a tree of our own, with what the witness makes of the objects that are refused in it. open reads the header of an
// object; answered is called for each that the witness answers for, with the reason why it was asked.
func Merge(own, witness *meta.File, open func(addr uint64) (*chunkindex.Object, error), answered func(object, why string)) *meta.File {
	t := newTestimony(witness)
	t.open, t.answered = open, answered
	t.own(own)
	t.add(witness)
	return t.out
}

// Refuses tells whether something in a tree is for a witness.
func Refuses(t *meta.File) bool {
	return slices.ContainsFunc(t.Groups, func(g meta.Group) bool { return g.Err != "" }) ||
		slices.ContainsFunc(t.Datasets, func(d meta.Dataset) bool { return d.Err != "" })
}

// Final tells errors that say nothing about what can be read.
func Final(err error) bool {
	return errors.Is(err, fault.NotFound) || errors.Is(err, fault.Unavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// testimony is a tree that is put together of our own and the witness's.
type testimony struct {
	open     func(addr uint64) (*chunkindex.Object, error)
	answered func(object, why string)
	out      *meta.File
	groups   map[uint64]meta.Group // the witness's, by address
	datasets map[uint64]meta.Dataset
	entered  []meta.Group // whose members are the witness's
}

func newTestimony(w *meta.File) *testimony {
	t := &testimony{out: &meta.File{}, groups: map[uint64]meta.Group{}, datasets: map[uint64]meta.Dataset{}}
	for _, g := range w.Groups {
		t.groups[g.Addr] = g
	}
	for _, d := range w.Datasets {
		t.datasets[d.Addr] = d
	}
	return t
}

// own takes over our tree, but for what is refused in it and not by the witness. What it has is taken out of the witness's.
func (t *testimony) own(tree *meta.File) {
	for _, g := range tree.Groups {
		if w, ok := t.groups[g.Addr]; ok && g.Err != "" && w.Err == "" {
			t.group(w, g.Path, g.Err)
		} else {
			t.out.Groups = append(t.out.Groups, g)
		}
		delete(t.groups, g.Addr)
	}
	for _, d := range tree.Datasets {
		if d.Err == "" || !t.object(d) {
			t.out.Datasets = append(t.out.Datasets, d)
		}
		delete(t.datasets, d.Addr)
		delete(t.groups, d.Addr)
	}
	t.out.Links = append(t.out.Links, tree.Links...)
}

// object takes the witness's word for an object that cannot be opened, whatever it is, and tells whether there is one.
func (t *testimony) object(d meta.Dataset) bool {
	if w, ok := t.datasets[d.Addr]; ok && w.Err == "" {
		t.dataset(w, d.Path, d.Err)
		return true
	}
	w, ok := t.groups[d.Addr]
	if ok = ok && w.Err == ""; ok {
		t.group(w, d.Path, d.Err)
	}
	return ok
}

func (t *testimony) group(w meta.Group, path, why string) {
	w.Path, w.Witness = path, why
	t.answered(path, why)
	t.out.Groups, t.entered = append(t.out.Groups, w), append(t.entered, w)
}

func (t *testimony) dataset(w meta.Dataset, path, why string) {
	w.Path, w.Witness = path, why
	if w.Object, w.Cause = t.open(w.Addr); w.Err != "" {
		w.Cause = fault.New(fault.Unsupported, "libhdf5: %s", w.Err)
	}
	t.answered(path, why)
	t.out.Datasets = append(t.out.Datasets, w)
}

// add adds what lies in groups that only the witness can list, what it refuses there too.
func (t *testimony) add(w *meta.File) {
	for _, g := range w.Groups {
		if _, left := t.groups[g.Addr]; left {
			t.within(g.Path, func(why string) { t.group(g, g.Path, why) })
		}
	}
	for _, d := range w.Datasets {
		if _, left := t.datasets[d.Addr]; left {
			t.within(d.Path, func(why string) { t.dataset(d, d.Path, why) })
		}
	}
	known := map[string]bool{}
	for _, l := range t.out.Links {
		known[l.Path] = true
	}
	for _, l := range w.Links {
		if !known[l.Path] {
			t.within(l.Path, func(string) { t.out.Links = append(t.out.Links, l) })
		}
	}
}

// within calls f if a path lies in a group that was refused, with the reason.
func (t *testimony) within(path string, f func(why string)) {
	for _, g := range t.entered {
		if strings.HasPrefix(path, strings.TrimSuffix(g.Path, "/")+"/") {
			f(g.Witness)
			return
		}
	}
}

// Unasked is what our own code makes of a dataset, or why it refuses that, where libhdf5 is not asked. inStore: since it reads no store.
func Unasked(m meta.Dataset, err error, inStore bool) (meta.Dataset, error) {
	const cure = "libhdf5 may make sense of it, but not in a store: copy the file to a local disk"
	if !inStore || Final(err) {
		return m, err
	}
	if kind := fault.Of(err); kind != nil {
		return m, fault.New(kind, "%w: %s", err, cure)
	}
	if m.Err != "" {
		m.Err += ": " + cure
	}
	return m, err
}
