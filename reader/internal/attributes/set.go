package attributes

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/mtflight/mtflight/convert"
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

// Set is some attributes of one object, not read yet. It holds memory of the Engine's budget until Close. Used by
// one goroutine.
type Set struct {
	of     Owner
	object *objects.Object
	path   string // of the object, as asked
	names  []string
	rest   error // why there may be others, where all were asked for

	held int64
	left int // bytes that may still be read
}

// Owner is the file of an object with attributes, as reading them sees it.
type Owner struct {
	Name       string // in messages
	OffsetSize int    // of addresses in it
	Resolver   func(ctx context.Context) convert.Resolver
	Acquire    func(ctx context.Context, n int64) error // takes bytes of the budget
	Release    func(n int64)                            // gives them back
}

// New is of the attributes named, nil: of all. Errors: fault.NotFound with near matches, fault.DataLoss where it
// cannot be told which there are.
func New(of Owner, o *objects.Object, path string, names []string) (*Set, error) {
	a := &Set{of: of, object: o, path: path, left: maxAttributes}
	return a, a.choose(names)
}

// choose takes the attributes named.
func (a *Set) choose(names []string) error {
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
			return fault.New(fault.NotFound, "%s %s: no such attribute %s%s", a.of.Name, a.path, spell.Quote(name), near.Hint(name, all))
		}
	}
	return nil
}

// failed names object and attribute in an error.
func (a *Set) failed(kind error, name string, err error) error {
	return fault.New(kind, "%s %s: attribute %s: %w", a.of.Name, a.path, spell.Quote(name), err)
}

// Close gives the budget back.
func (a *Set) Close() {
	a.of.Release(a.held)
	a.held = 0
}

// acquire takes n more bytes of the budget.
func (a *Set) acquire(ctx context.Context, n int64) error {
	err := a.of.Acquire(ctx, n)
	if err == nil {
		a.held += n
	}
	return err
}

// JSON is an object of all values (docs/protocol.md section 4); one that cannot be read is {"unreadable": reason} and ends
// nothing. It may be used until Close. Errors: ErrExhausted, ctx's.
func (a *Set) JSON(ctx context.Context) (json.RawMessage, error) {
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
func (a *Set) value(ctx context.Context, name string) (v json.RawMessage, err error) {
	err = a.sized(ctx, func(limit int) (err error) {
		v, err = a.object.JSON(name, limit)
		return err
	})
	if err == nil {
		a.left -= len(v)
		err = a.acquire(ctx, 2*int64(len(v))) // here, and in the object of all
	}
	return v, err
}

// sized has something of a value read in as many bytes as it needs, which are taken from the budget before and given back.
func (a *Set) sized(ctx context.Context, read func(limit int) error) error {
	for limit := firstLook; ; {
		if limit > a.left {
			return fault.New(fault.Unsupported, "more than %d MiB in one answer: ask for fewer attributes by their names", maxAttributes>>20)
		}
		before := a.held
		if err := a.acquire(ctx, attrs.MaxText*int64(limit)+attrs.MoreText); err != nil {
			return err
		}
		err := read(limit)
		a.of.Release(a.held - before)
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
