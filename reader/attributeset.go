package reader

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/attrs"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/objects"
)

// Bounds of values that are asked for, in bytes.
const (
	maxAttribute  = 64 << 20  // of one
	maxAttributes = 256 << 20 // of all of an answer
	firstLook     = 256 << 10 // of one whose size is not known yet
)

// AttributeSet is some attributes of one object, not read yet. It holds memory of the Engine's budget until Close. Used by
// one goroutine.
type AttributeSet struct {
	file   *File // that holds the object
	object *objects.Object
	path   string // of the object, as asked
	names  []string
	rest   error // why there may be others, where all were asked for

	held int64
	left int // bytes that may still be read
}

// Attributes finds attributes of a group, a dataset or a committed type by its absolute path, following links inside the
// file's roots; nil: all. The caller closes what it gets. Errors: ErrNotFound with near matches for an object or a name
// that is not there, ErrDataLoss where that cannot be told.
func (f *File) Attributes(ctx context.Context, path string, names []string) (*AttributeSet, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fault.New(fault.NotFound, "%s: no such object %q: its name is an absolute path, perhaps %q", f.loc.Name, path, "/"+path)
	}
	return settled(ctx, f, func(f *File) (*AttributeSet, error) { return f.attributeSet(ctx, path, path, names, 0) })
}

// attributeSet finds attributes of an object that was asked for by another name, maybe of another file.
func (f *File) attributeSet(ctx context.Context, path, asked string, names []string, hops int) (*AttributeSet, error) {
	if err := f.whole(); err != nil {
		return nil, err
	}
	o, leaving, err := f.objects.Object(ctx, path)
	if err != nil {
		return nil, f.failed(err)
	}
	if o == nil {
		other, err := f.beyond(ctx, leaving.OtherFile, asked, hops)
		if err != nil {
			return nil, err
		}
		return other.attributeSet(ctx, leaving.Path, asked, names, hops+1)
	}
	a := &AttributeSet{file: f, object: o, path: asked, left: maxAttributes}
	return a, a.choose(names)
}

// choose takes the attributes named.
func (a *AttributeSet) choose(names []string) error {
	all, err := a.object.Names()
	if names == nil {
		a.names, a.rest = all, err
		return nil
	}
	for _, name := range names {
		switch {
		case slices.Contains(all, name):
			a.names = append(a.names, name)
		case err != nil:
			return a.failed(fault.DataLoss, name, err)
		default:
			return fault.New(fault.NotFound, "%s %s: no such attribute %s%s", a.file.loc.Name, a.path, spell.Quote(name), near.Hint(name, all))
		}
	}
	return nil
}

// failed names object and attribute in an error.
func (a *AttributeSet) failed(kind error, name string, err error) error {
	return fault.New(kind, "%s %s: attribute %s: %w", a.file.loc.Name, a.path, spell.Quote(name), err)
}

// Close gives the budget back.
func (a *AttributeSet) Close() {
	a.file.eng.Let(a.held)
	a.held = 0
}

// hold takes n more bytes of the budget.
func (a *AttributeSet) hold(ctx context.Context, n int64) error {
	err := a.file.eng.Hold(ctx, n)
	if err == nil {
		a.held += n
	}
	return err
}

// JSON is an object of all values (docs/protocol.md section 4); one that cannot be read is {"unreadable": reason} and ends
// nothing. It may be used until Close. Errors: ErrExhausted, ctx's.
func (a *AttributeSet) JSON(ctx context.Context) (json.RawMessage, error) {
	out := make(map[string]json.RawMessage, len(a.names))
	for _, name := range a.names {
		v, err := a.value(ctx, name)
		if kind := fault.Of(err); kind == fault.DataLoss || kind == fault.Unsupported {
			v, err = meta.Object(map[string]string{"unreadable": err.Error()}), nil
		}
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	if a.rest != nil {
		out[""] = meta.Object(map[string]string{"unreadable": a.rest.Error()})
	}
	return meta.Object(out), nil
}

// value is one as JSON.
func (a *AttributeSet) value(ctx context.Context, name string) (v json.RawMessage, err error) {
	err = a.sized(ctx, func(limit int) (err error) {
		v, err = a.object.JSON(name, limit)
		return err
	})
	if err == nil {
		a.left -= len(v)
		err = a.hold(ctx, 2*int64(len(v))) // here, and in the object of all
	}
	return v, err
}

// sized has something of a value read in as many bytes as it needs, which are taken from the budget before and given back.
func (a *AttributeSet) sized(ctx context.Context, read func(limit int) error) error {
	for limit := firstLook; ; {
		if limit > a.left {
			return fault.New(fault.Unsupported, "more than %d MiB in one answer: ask for fewer attributes by their names", maxAttributes>>20)
		}
		before := a.held
		if err := a.hold(ctx, attrs.MaxText*int64(limit)+attrs.MoreText); err != nil {
			return err
		}
		err := read(limit)
		a.file.eng.Let(a.held - before)
		a.held = before
		var large *attrs.TooLarge
		switch {
		case !errors.As(err, &large):
			return err
		case limit == maxAttribute || large.Bytes > maxAttribute:
			return fault.New(fault.Unsupported, "a value of over %d MiB", maxAttribute>>20)
		}
		limit = min(max(2*limit, int(large.Bytes)), maxAttribute)
	}
}
