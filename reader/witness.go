package reader

import (
	"context"
	"errors"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// libhdf5 is the witness: it is asked, in a helper process, about what our own code refuses to make sense of. It is believed
// where it refuses less and reads no less: one reason may stand for all attributes of an object, or all objects of a group.
// That it was, is counted and told.

// Witnessed counts the answers that had to come from libhdf5.
func (e *Engine) Witnessed() int64 { return e.witnessed.Load() }

// describe says what the dataset of a path is.
func (f *File) describe(ctx context.Context, path string) (meta.Dataset, error) {
	m, err := f.objects.Dataset(ctx, path)
	why := unread{}
	why.dataset(m)
	if err != nil && final(err) || err == nil && why.n == 0 || f.eng.cfg.NoWitness {
		return m, err
	}
	w, werr := f.eng.lib.Dataset(ctx, f.loc.Path, path)
	own := unread{}
	own.dataset(w)
	if werr != nil || err == nil && !own.better(why) {
		return m, err
	}
	f.eng.witnessed.Add(1)
	if w.Witness = why.first; err != nil {
		w.Witness = err.Error()
	}
	return w, nil
}

// final are errors that say nothing about what can be read.
func final(err error) bool {
	return errors.Is(err, fault.NotFound) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// attested is a tree, or the witness's if that refuses less.
func (f *File) attested(ctx context.Context, tree *meta.File) *meta.File {
	why := unread{}
	why.tree(tree)
	if why.n == 0 || f.eng.cfg.NoWitness {
		return tree
	}
	w, err := f.eng.lib.Tree(ctx, f.loc.Path)
	if err != nil {
		return tree
	}
	own := unread{}
	if own.tree(w); !own.better(why) {
		return tree
	}
	f.eng.witnessed.Add(1)
	for i := range w.Groups {
		w.Groups[i].Witness = why.first
	}
	for i := range w.Datasets {
		w.Datasets[i].Witness = why.first
	}
	return w
}

// unread counts what is unreadable of objects, and what is read.
type unread struct {
	n     int
	read  int
	first string
}

// better tells whether less is unreadable, and no less read, than of another reading of the same.
func (r *unread) better(than unread) bool { return r.n < than.n && r.read >= than.read }

func (r *unread) note(why string) {
	if why == "" {
		r.read++
		return
	}
	if r.n++; r.n == 1 {
		r.first = why
	}
}

func (r *unread) tree(t *meta.File) {
	for _, g := range t.Groups {
		r.note(g.Err)
		r.attrs(g.Attrs)
	}
	for _, d := range t.Datasets {
		r.dataset(d)
	}
}

func (r *unread) dataset(d meta.Dataset) {
	r.note(d.Err)
	r.attrs(d.Attrs)
}

func (r *unread) attrs(a meta.Attrs) {
	if a.Err != "" {
		r.note(a.Err)
	}
	for _, x := range a.All {
		r.note(x.Err)
	}
}
