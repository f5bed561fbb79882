package catalog

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/glob"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// Collection is the name of many files as one table: those that match Pattern when it is asked for.
type Collection struct{ Name, Pattern, Dataset string }

// SetCollections sets those that there are, each NAME=PATTERN:DATASET; the catalog is not used yet. Errors: fault.Invalid.
func (c *Catalog) SetCollections(specs []string) error {
	for _, spec := range specs {
		one, err := c.newCollection(spec)
		if err != nil {
			return fault.New(fault.Invalid, "--collection %s: %w", spell.Quote(spec), err)
		}
		c.collections = append(c.collections, one)
	}
	return nil
}

// Collections are those that there are.
func (c *Catalog) Collections() []Collection { return c.collections }

func (c *Catalog) collection(name string) *Collection {
	if i := slices.IndexFunc(c.collections, func(one Collection) bool { return one.Name == name }); i >= 0 {
		return &c.collections[i]
	}
	return nil
}

func (c *Catalog) newCollection(spec string) (one Collection, err error) {
	name, rest, ok := strings.Cut(spec, "=")
	at := strings.LastIndex(rest, ":/")
	if !ok || at < 1 || at+2 == len(rest) {
		return one, fault.New(fault.Invalid, "write NAME=PATTERN:DATASET, as runs=runs/*.h5:/events")
	}
	one = Collection{Name: spell.Escape(spell.Unescape(name)), Pattern: rest[:at], Dataset: rest[at+1:]}
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/*?[]\\\x00"):
		return one, fault.New(fault.Invalid, "a name has no slash, backslash or wildcard")
	case len(one.Pattern) > maxPattern:
		return one, fault.New(fault.Invalid, "a pattern of %d bytes, at most %d are possible", len(one.Pattern), maxPattern)
	case c.collection(one.Name) != nil:
		return one, fault.New(fault.Invalid, "there are two of this name")
	case c.holdsName(one.Name):
		return one, fault.New(fault.Invalid, "a root, file or folder is called so: choose another name")
	}
	if pattern, is := glob.Pattern(one.Pattern); is {
		one.Pattern = pattern
	}
	if !c.reaches(one.Pattern) {
		return one, fault.New(fault.Invalid, "no file below the roots can match the pattern: write it as clients write names, without the place on disk")
	}
	return one, nil
}

// holdsName tells whether a file or folder is called so.
func (c *Catalog) holdsName(name string) bool {
	return slices.ContainsFunc(c.roots(), func(r root) bool {
		if r.name != "" || r.store != nil {
			return r.name == name
		}
		_, err := os.Lstat(r.disk(name))
		return err == nil
	})
}

// reaches tells whether files below the roots may match.
func (c *Catalog) reaches(pattern string) bool {
	if strings.HasPrefix(pattern, "/") || slices.Contains(strings.Split(pattern, "/"), "..") {
		return false
	}
	return slices.ContainsFunc(c.roots(), func(r root) bool {
		if r.file {
			return glob.New(pattern).Match(r.name)
		}
		return glob.Below(r.prefix(), pattern)
	})
}

// collected are the files of a collection. To whom may read none of them it is not there.
func (c *Catalog) collected(ctx context.Context, of Collection, r reader.Request) ([]reader.Location, error) {
	files, err := c.matching(ctx, of.Pattern, r.Options.OnError == "skip")
	switch {
	case err != nil:
		return nil, err
	case len(files) == 0 && c.rules != nil:
		return nil, fault.New(fault.NotFound, "no such file %s", shown(of.Name))
	case len(files) == 0:
		return nil, fault.New(fault.NotFound, "no file matches %s, of which the collection %s is", shown(of.Pattern), of.Name)
	case r.Target() != of.Dataset:
		return nil, fault.New(fault.NotFound, "no such dataset %s in the collection %s: it is of %s", shown(r.Target()), of.Name, of.Dataset)
	}
	if _, err := c.Resolve(ctx, of.Name); err == nil {
		return nil, fault.New(fault.Precondition, "%s is a file now, and a collection: call the collection otherwise", of.Name)
	}
	return files, nil
}
