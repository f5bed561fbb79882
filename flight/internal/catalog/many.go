package catalog

import (
	"context"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/glob"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// maxPattern bounds a pattern of names, in bytes.
const maxPattern = 4 << 10

// Files gives the places of the files that a request is of: those of the collection of its name, that of its name, those of its list in this order, or, of a name that is no
// file's, those that match it as a pattern, in natural order. many tells whether a list or a pattern was asked for, however many there are. What
// the call's identity may not read is not there. Errors: fault.NotFound; of a pattern those of files that are named like HDF5 and are not, or cannot be looked at, unless r skips them.
func (c *Catalog) Files(ctx context.Context, r reader.Request) (files []reader.Location, many bool, err error) {
	if r.Files != nil {
		files, err = c.listed(ctx, r.Files)
		if r.State != "" && fault.Of(err) == fault.NotFound {
			err = fault.New(fault.Changed, "%w, which the ticket was issued for: ask GetFlightInfo for a new ticket", err)
		}
		return files, true, err
	}
	if all := c.collection(r.File); all != nil {
		files, err = c.collected(ctx, *all, r)
		return files, true, err
	}
	one, err := c.Resolve(ctx, r.File)
	if err == nil {
		return []reader.Location{one}, false, nil
	}
	pattern, is := glob.Pattern(r.File)
	if fault.Of(err) != fault.NotFound || !is {
		return nil, false, err
	}
	files, err = c.matching(ctx, pattern, r.Options.OnError == "skip")
	if err == nil && len(files) == 0 {
		err = fault.New(fault.NotFound, "no file matches %s: * is any run of characters, / too", shown(r.File))
	}
	return files, true, err
}

// listed resolves names, each of which may stand for a file once.
func (c *Catalog) listed(ctx context.Context, names []string) ([]reader.Location, error) {
	files := make([]reader.Location, len(names))
	for i, name := range names {
		var err error
		if files[i], err = c.Resolve(ctx, name); err != nil {
			return nil, err
		}
	}
	return files, ctx.Err()
}

// matching are the files of a pattern, with those that cannot be read, if whoever opens them is to find out.
func (c *Catalog) matching(ctx context.Context, pattern string, unread bool) (files []reader.Location, err error) {
	if len(pattern) > maxPattern {
		return nil, fault.New(fault.Invalid, "file: a pattern of %d bytes, at most %d are possible", len(pattern), maxPattern)
	}
	err = c.walk(ctx, pattern, func(e Entry) error {
		switch {
		case e.Err != nil && !unread:
			return fault.New(fault.Of(e.Err), "%s: %w", e.Name, e.Err)
		case len(files) == protocol.MaxFiles:
			return fault.New(fault.Exhausted, "file: more than %d files match %s: narrow the pattern", protocol.MaxFiles, shown(pattern))
		}
		files = append(files, e.Location)
		return nil
	})
	slices.SortFunc(files, func(a, b reader.Location) int { return glob.Natural(a.Name, b.Name) })
	return files, err
}
