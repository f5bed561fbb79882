package collection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// sideBySide is how many files are looked into at a time.
const sideBySide = 8

// member is a file of a collection, as it was when it was looked into.
type member struct {
	loc     reader.Location
	state   string
	rows    int64
	first   int64 // its first row among those of all
	variant *variant
	bounds  reader.Bounds // of the values of its columns, as far as they are known
}

// variant is what files have in common whose batches look the same.
type variant struct {
	name   string        // of the first of them
	schema *arrow.Schema // of their batches
	asked  []string      // fields of a request for one; nil: all
	info   reader.Info
	types  map[string]string // of all columns that a condition may name
	row    int64             // about how many bytes one takes

	meanings map[string]string // attributes that say what its numbers are
	codes    map[string]string // enumerations of columns whose integers count

	from []int // for each column of the collection its place in the batches; -1: they do not have it
	maps [][]int32
}

// looked is what was seen of a file.
type looked struct {
	member
	variant
	served bool // the dataset is there, and can be read

	id     reader.Identity
	stands bool // all follows from that
}

// look plans the request for one file without its rows.
func look(ctx context.Context, eng *reader.Engine, loc reader.Location, r reader.Request, state string) (l looked, p *reader.Plan, err error) {
	f, err := eng.Open(ctx, loc)
	if err != nil {
		return l, nil, err
	}
	d, err := f.Asked(ctx, r)
	if err != nil {
		return l, nil, err
	}
	if d.Info().Kind == "unsupported" {
		_, err = d.Plan(ctx, reader.Request{Dataset: r.Dataset, Datasets: r.Datasets})
		return l, nil, err
	}
	l.served = true
	l.name, l.info, l.types = loc.Name, d.Info(), typesOf(d)
	l.meanings, l.codes = meaningsOf(l.info.Attributes, r), codesOf(d.Columns(), r)
	l.asked = present(r.Fields, l.types)
	none := l.asked != nil && len(l.asked) == 0
	if none {
		l.asked = []string{l.info.Schema.Field(0).Name}
	}
	q := whole(r, l.asked, state)
	if q.Select, err = everyRow(r.Select, l.info.Shape); err != nil {
		return l, nil, err
	}
	if p, err = d.Plan(ctx, q); err != nil {
		return l, nil, err
	}
	l.member = member{loc: loc, state: p.State(), rows: int64(l.info.Rows)}
	l.id, l.stands = p.Stands(loc)
	l.schema, l.row = p.Schema(), max(1, p.Bytes()/max(1, p.Rows()))
	if none {
		meta := l.schema.Metadata()
		l.schema = arrow.NewSchema(nil, &meta)
	}
	return l, p, nil
}

// whole is the request for all rows of a file, in the columns and types that are asked for.
func whole(r reader.Request, fields []string, state string) reader.Request {
	o := r.Options
	o.FileColumn, o.Schema, o.OnError, o.Partitions, o.TextKeys = "", "", "", false, nil
	return reader.Request{Dataset: r.Dataset, Datasets: r.Datasets, State: state, Fields: fields, Options: o}
}

// typesOf are the columns that requests may name, each with its type as text.
func typesOf(d *reader.Dataset) map[string]string {
	out := map[string]string{}
	if s := d.Info().Schema; s != nil {
		for _, f := range s.Fields() {
			out[f.Name] = f.Type.String()
		}
	}
	for _, c := range d.Columns() {
		out[c.Name] = kindOf(c.Type)
	}
	return out
}

// kindOf is a type as text: numbers, whose values conditions compare whatever their width, begin with #.
func kindOf(t *h5type.Type) string {
	if t.Class == h5type.Integer || t.Class == h5type.Float {
		return "#" + t.String()
	}
	return t.String()
}

// present are the fields that a file has; nil: all are asked for. Of one that has none some column is asked for, for its rows.
func present(fields []string, has map[string]string) []string {
	if fields == nil {
		return nil
	}
	out := []string{}
	for _, f := range fields {
		if has[f] != "" {
			out = append(out, f)
		}
	}
	return out
}

// survey looks into files, in their order, without those that are left out. Errors name the file.
func survey(ctx context.Context, eng *reader.Engine, files []reader.Location, states []string, r reader.Request, skips *skips, ask asking) ([]member, error) {
	out := make([]member, len(files))
	seen := interner{all: map[string]*variant{}, same: map[*variant]*variant{}}
	alone := true      // the first file is looked into: its attributes are those of all, and
	var asked []string // the condition's columns are its, as others'
	one := func(ctx context.Context, i int) (err error) {
		defer caught(files[i], &err)
		state := ""
		if states != nil {
			state = states[i]
		}
		if m, row, ok := ask.get(ctx, eng, files[i], state); ok && !alone {
			out[i] = seen.again(m, row)
			return nil
		}
		l, p, err := look(ctx, eng, files[i], r, state)
		if err != nil {
			return skips.add(i, files[i], l.served, named(files[i], err))
		}
		if alone {
			asked = ofCondition(r, l.types)
		}
		l.bounds = p.Bounds(asked)
		l.bounds = ask.put(l)
		out[i] = seen.intern(l)
		return nil
	}
	first := 0
	for ; first < len(files) && out[max(0, first-1)].variant == nil; first++ { // which the others are compared with
		if err := one(ctx, first); err != nil {
			return nil, err
		}
	}
	alone = false
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(sideBySide)
	for i := first; i < len(files) && each.Err() == nil; i++ {
		g.Go(func() error { return one(each, i) })
	}
	if err := cmp.Or(g.Wait(), context.Cause(ctx)); err != nil { // that none failed does not tell that all were looked into
		return nil, err
	}
	return skips.without(out)
}

// caught, deferred, makes a panic over one file an error.
func caught(loc reader.Location, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("collection: panic over %s: %v\n%s", loc.Name, p, debug.Stack())
	}
}

// named has a file's name in an error.
func named(loc reader.Location, err error) error {
	kind := fault.Of(err)
	if kind == nil || strings.Contains(err.Error(), loc.Name) || errors.Is(err, context.Canceled) {
		return err
	}
	return fault.New(kind, "%s: %w", loc.Name, err)
}

// checkAlike refuses datasets that are no parts of one.
func checkAlike(a, b *variant) error {
	x, y := a.info, b.info
	switch {
	case x.Kind != y.Kind:
		return fault.New(fault.Invalid, "%s and %s: a dataset of kind %s and one of kind %s are not one table", a.name, b.name, x.Kind, y.Kind)
	case len(x.Shape) != len(y.Shape) || len(x.Shape) > 1 && x.Layout != "sparse" && !slices.Equal(x.Shape[1:], y.Shape[1:]):
		return fault.New(fault.Invalid, "%s and %s: arrays of shape %v and %v are not one: they are joined along the first axis, the others have to agree", a.name, b.name, x.Shape, y.Shape)
	case len(x.Shape) > 1 && x.Layout == "sparse" && x.Shape[1] != y.Shape[1]:
		return fault.New(fault.Invalid, "%s and %s: sparse matrices of %d and %d columns are not one", a.name, b.name, x.Shape[1], y.Shape[1])
	}
	return sameMeaning(a, b)
}
