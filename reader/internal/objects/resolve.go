package objects

import (
	"context"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// maxSoft bounds the soft links of one name, as libhdf5 does.
const maxSoft = 16

// Dataset describes the dataset of a name, following hard and soft links. If an external link lies on the way, the
// answer has only OtherFile, the link's file as it names it, and Path, the name to ask for there: the caller decides
// whether that file may be opened. Names are spelled (package spell), OtherFile is not. Errors: fault.NotFound with near matches, fault.DataLoss and fault.Unsupported for
// what cannot be read, the context's.
func (f *File) Dataset(ctx context.Context, name string) (meta.Dataset, error) {
	r, err := f.resolve(ctx, "dataset", name)
	if err != nil || r.other != nil {
		return r.leaving(), err
	}
	if k := kindOf(r.at); k != dataset && k != unknown {
		return meta.Dataset{}, r.noDataset(k)
	}
	d := describe(r.s, r.at, spell.Escape("/"+strings.Join(r.asked, "/")))
	budget := objectAttrs
	d.Attrs = f.newValues().attributes(r.s, r.at, &budget)
	return d, nil
}

// resolver walks a name component by component.
type resolver struct {
	*File
	ctx   context.Context
	s     *h5file.Source
	what  string         // is asked for: a dataset, an object
	name  string         // spelled
	asked []string       // its components, as the file has them
	at    *h5file.Header // of the object reached
	path  string         // of the object reached, spelled; "" of the root
	soft  int
	other *link  // an external link on the way
	rest  string // the name behind it
}

func (f *File) resolve(ctx context.Context, what, name string) (*resolver, error) {
	r := &resolver{File: f, ctx: ctx, s: f.h5.Source(), what: what, name: name, asked: components(spell.Unescape(name))}
	if err := r.start(); err != nil {
		return r, err
	}
	for rest := r.asked; len(rest) > 0 && r.other == nil; {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		var err error
		if rest, err = r.step(rest); err != nil {
			return r, err
		}
	}
	return r, nil
}

// start goes to the root.
func (r *resolver) start() (err error) {
	r.path = ""
	if r.at, err = r.s.Header(r.h5.Root); err != nil {
		return fault.New(fault.Of(err), "open the root group: %w", err)
	}
	return nil
}

// step goes through the next link and returns what is left of the name. Links may lead to where others have been.
func (r *resolver) step(rest []string) ([]string, error) {
	r.s.Grant(2 * r.h5.Size())
	l, err := r.lookup(rest[0])
	if err != nil {
		return nil, err
	}
	rest = rest[1:]
	switch l.class {
	case hardLink:
		return rest, r.enter(l)
	case softLink:
		return r.redirect(l.target, rest)
	case externalLink:
		r.other, r.rest = &l, strings.Join(append([]string{l.target}, rest...), "/")
		return nil, nil
	}
	return nil, fault.New(fault.Unsupported, "%s: user-defined link of class %d", r.name, l.class)
}

// leaving is what an external link on the way says.
func (r *resolver) leaving() meta.Dataset {
	if r.other == nil {
		return meta.Dataset{}
	}
	return meta.Dataset{OtherFile: r.other.file, Path: "/" + spell.Escape(strings.TrimLeft(r.rest, "/"))} // a target is of the root, slash or not
}

func (r *resolver) enter(l link) error {
	h, err := r.s.Header(l.addr)
	if err != nil {
		return fault.New(fault.Of(err), "open %s: %w", r.name, err)
	}
	r.at, r.path = h, pathOf(r.path, l.name)
	return nil
}

// redirect puts a soft link's target before the rest of the name.
func (r *resolver) redirect(target string, rest []string) ([]string, error) {
	if r.soft++; r.soft > maxSoft {
		return nil, fault.New(fault.NotFound, "%s: more than %d soft links, perhaps a cycle", r.name, maxSoft)
	}
	if strings.HasPrefix(target, "/") {
		if err := r.start(); err != nil {
			return nil, err
		}
	}
	return append(components(target), rest...), nil
}

// lookup finds a link in the group reached.
func (r *resolver) lookup(name string) (link, error) {
	if kindOf(r.at) != group {
		return link{}, fault.New(fault.NotFound, "no such %s %s: %s is no group (columns of a table are asked for by fields)", r.what, spell.Quote(r.name), spell.Quote(r.path))
	}
	l, found, err := lookup(r.s, r.at, name)
	if err != nil {
		return link{}, fault.New(fault.Of(err), "look up %s: %w", r.name, err)
	}
	if !found {
		return link{}, r.missing(name)
	}
	return l, nil
}

// missing is the error of a name that the group reached has not, unless its order hid it.
func (r *resolver) missing(name string) error {
	all, err := links(r.h5.Source(), r.at)
	if err != nil {
		return fault.New(fault.Of(err), "look up %s: the group %s cannot be listed whole: %w", r.name, spell.Quote(r.path), err)
	}
	if slices.ContainsFunc(all, func(l link) bool { return l.name == name }) {
		return fault.New(fault.DataLoss, "look up %s: the names of the group %s are out of order", r.name, spell.Quote(r.path))
	}
	return fault.New(fault.NotFound, "no such %s %s%s", r.what, spell.Quote(r.name), near.Paths(r.path+"/", near.Near(spell.Escape(name), shown(all))))
}

// shown are names that are told, spelled: all but PyTables' own.
func shown(all []link) (names []string) {
	for _, l := range all {
		if !strings.HasPrefix(l.name, "_i_") && !strings.HasPrefix(l.name, "_p_") {
			names = append(names, spell.Escape(l.name))
		}
	}
	return names
}

// shownBelow is how many names in a group are told to whom asks for it as a dataset.
const shownBelow = 3

func (r *resolver) noDataset(k kind) error {
	if k != group {
		return fault.New(fault.NotFound, "%s is a committed datatype, not a dataset", spell.Quote(r.name))
	}
	all, err := links(r.s, r.at)
	if err != nil {
		return fault.New(fault.DataLoss, "%s is a group that cannot be listed whole: %w", spell.Quote(r.name), err)
	}
	names, more := shown(all), ""
	if len(names) == 0 {
		return fault.New(fault.NotFound, "%s is an empty group, not a dataset", spell.Quote(r.name))
	}
	if len(names) > shownBelow {
		names, more = names[:shownBelow], ", .."
	}
	return fault.New(fault.NotFound, "%s is a group, not a dataset: in it: %s%s", spell.Quote(r.name), near.Quoted(r.path+"/", names), more)
}

// Group describes the group at a path, following links as Dataset does. Errors: fault.NotFound if there is no group, also
// where an external link lies on the way.
func (f *File) Group(ctx context.Context, path string) (meta.Group, error) {
	r, err := f.resolve(ctx, "group", path)
	if err != nil {
		return meta.Group{}, err
	}
	if r.other != nil || kindOf(r.at) != group {
		return meta.Group{}, fault.New(fault.NotFound, "%s is no group of this file", spell.Quote(path))
	}
	budget := objectAttrs
	return meta.Group{Path: path, Addr: r.at.Addr, Attrs: f.newValues().attributes(r.s, r.at, &budget), Comment: comment(r.at)}, nil
}

// Groups are the spelled names of the groups in the group at a path, in order; none if there is no such group.
func (f *File) Groups(ctx context.Context, path string) (names []string, err error) {
	r, err := f.resolve(ctx, "group", path)
	if fault.Of(err) == fault.NotFound || err == nil && r.other != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.s.Grant(4 * f.h5.Size())
	all, err := links(r.s, r.at)
	kinds := map[uint64]kind{}
	for _, l := range all {
		if l.class != hardLink || err != nil {
			continue
		}
		if kinds[l.addr] == unasked {
			kinds[l.addr], err = kindAt(r.s, l.addr)
		}
		if kinds[l.addr] == group {
			names = append(names, spell.Escape(l.name))
		}
	}
	slices.Sort(names)
	return names, err
}
