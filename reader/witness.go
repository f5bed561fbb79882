package reader

import (
	"context"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/witness"
)

// libhdf5 is the witness: it is asked, in a helper process that has a descriptor of the file and no name, about objects that
// our own code refuses to make sense of, and believed about these alone. Its answers are counted and logged. It is not asked
// about single attributes: what it makes of types that are damaged are values all the same.

// Witnessed counts the answers that had to come from libhdf5.
func (e *Engine) Witnessed() int64 { return e.counts.Witnessed.Load() }

// Counters tells what the engine has done and holds. It may be called at any time.
func (e *Engine) Counters() Counters { return e.counts.Now() }

// witnessed counts and logs an answer of libhdf5: about an object, and why it was asked.
func (f *File) witnessed(object, why string) {
	f.eng.counts.Witnessed.Add(1)
	f.eng.log.Info("libhdf5 answers for what is refused otherwise", zap.String("file", f.loc.Name), zap.String("object", object), zap.String("reason", why))
}

// handle is what libhdf5 gets of the file.
func (f *File) handle() h5proc.File {
	return h5proc.File{Disk: f.disk.Handle(), State: f.disk.Identity(), Name: location.Base(f.loc.Path)}
}

// describe says what the dataset of a path is.
func (f *File) describe(ctx context.Context, path string) (meta.Dataset, error) {
	m, err := f.objects.Dataset(ctx, path)
	why := m.Err
	if err != nil {
		why = err.Error()
	}
	if why == "" || witness.Final(err) || f.eng.cfg.NoWitness || f.loc.Store != nil {
		return witness.Unasked(m, err, f.loc.Store != nil)
	}
	w, werr := f.eng.lib.Dataset(ctx, f.handle(), path)
	if werr != nil || w.Err != "" {
		return m, err
	}
	f.witnessed(path, why)
	w.Witness, w.Cause = why, err
	if err == nil {
		w.Cause = m.Cause
	}
	return w, nil
}

// withWitness is a tree, with what the witness makes of the objects that are refused.
func (f *File) withWitness(ctx context.Context, tree *meta.File) *meta.File {
	if f.loc.Store != nil || f.eng.cfg.NoWitness || !witness.Refuses(tree) {
		return tree
	}
	w, err := f.eng.lib.Tree(ctx, f.handle())
	if err != nil {
		return tree
	}
	open := func(addr uint64) (*chunkindex.Object, error) { return chunkindex.Open(f.h5, addr) }
	return witness.Merge(tree, w, open, f.witnessed)
}

// MaybeServeHelper does nothing: a process that was started as a helper of an Engine never gets to main.
//
// Deprecated: leave the call out. It will be removed two minor releases after 0.1.
func MaybeServeHelper() {}
