package check

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// look is a report in the making.
type look struct {
	*Report
	file *reader.File
}

// Look reads all of a file on this machine, or at the address of a store. The error is of a file that cannot be opened for other reasons than damage, and
// of a context that ended.
func Look(ctx context.Context, e *reader.Engine, path string) (*Report, error) {
	at, err := reader.At(path)
	if err != nil {
		return nil, err
	}
	l := &look{Report: &Report{File: cmp.Or(at.Name, spell.Escape(path)), Datasets: []Dataset{}, Damage: []Damage{}, Unchecked: []Unchecked{}}}
	err = l.all(ctx, e, at)
	l.settle()
	if fault.Of(err) == fault.DataLoss {
		l.damaged(Damage{What: "file", Reason: l.plain("", err)})
		l.State, err = Unreadable, nil
	}
	return l.Report, err
}

func (l *look) all(ctx context.Context, e *reader.Engine, at reader.Location) (err error) {
	if l.file, err = e.Open(ctx, at); err != nil {
		return err
	}
	tree, err := l.file.Tree(ctx)
	if err != nil {
		return err
	}
	for _, g := range tree.Groups {
		if err := l.group(ctx, g); err != nil {
			return err
		}
	}
	for _, d := range tree.Datasets {
		if slices.ContainsFunc(tree.Groups, func(g reader.GroupInfo) bool { return g.Path == d.Path }) {
			continue // stands for what is missing of the group
		}
		if err := errors.Join(l.dataset(ctx, d), l.attributes(ctx, d.Path)); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) group(ctx context.Context, g reader.GroupInfo) error {
	l.Groups++
	if g.Error != "" {
		l.damaged(Damage{What: "group", Path: g.Path, Reason: "it cannot be listed whole: " + g.Error})
	}
	if err := l.attributes(ctx, g.Path); err != nil || g.Frame == "" {
		return err
	}
	d, err := l.file.Dataset(ctx, g.Path)
	if err == nil {
		err = drain(ctx, d, reader.Request{})
	}
	if fault.Of(err) == fault.DataLoss {
		l.damaged(Damage{What: "frame", Path: g.Path, Reason: l.plain(g.Path, err)})
		return nil
	}
	return l.note(ctx, g.Path, err)
}

// note makes an error that is no damage one of what is unchecked, unless nothing more can be read.
func (l *look) note(ctx context.Context, path string, err error) error {
	kind := fault.Of(err)
	if err == nil || kind == nil || kind == fault.Changed || ctx.Err() != nil {
		return err
	}
	l.unchecked(path, kind, errors.New(l.plain(path, err)))
	return nil
}

// attributes reads those of an object.
func (l *look) attributes(ctx context.Context, path string) error {
	set, err := l.file.Attributes(ctx, path, nil)
	if err == nil {
		var text json.RawMessage
		text, err = set.JSON(ctx)
		set.Close()
		if err == nil {
			return l.values(ctx, path, text)
		}
	}
	if fault.Of(err) == fault.DataLoss {
		l.damaged(Damage{What: "attribute", Path: path, Reason: l.plain(path, err)})
		return nil
	}
	return l.note(ctx, path, err)
}

// values looks for those that could not be read. A value that only looks so is asked for by its name.
func (l *look) values(ctx context.Context, path string, text json.RawMessage) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	l.Attributes += len(all)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var said struct{ Unreadable *string }
		if json.Unmarshal(all[name], &said) != nil || said.Unreadable == nil {
			continue
		}
		err := l.attribute(ctx, path, name)
		if fault.Of(err) == fault.DataLoss {
			l.damaged(Damage{What: "attribute", Path: path, Attribute: name, Reason: *said.Unreadable})
			continue
		}
		if err := l.note(ctx, path+"@"+name, err); err != nil {
			return err
		}
	}
	return nil
}

// attribute is why one cannot be read, nil if it can; the nameless one stands for those that could not be listed.
func (l *look) attribute(ctx context.Context, path, name string) error {
	names := []string{name}
	if name == "" {
		names = nil
	}
	set, err := l.file.Attributes(ctx, path, names)
	if err != nil {
		return err
	}
	defer set.Close()
	record, err := set.Record(ctx, memory.DefaultAllocator)
	if err == nil {
		record.Release()
	}
	return err
}

// plain is an error without the names of file and object, which the report has.
func (l *look) plain(path string, err error) string {
	text, _ := strings.CutPrefix(err.Error(), l.File)
	text = strings.TrimLeft(text, ": ")
	text, _ = strings.CutPrefix(text, path+": ")
	return text
}
