// Package catalog knows which files a server serves, and to whom: it turns names that clients send into places on disk and walks
// the files there are. A Catalog is safe for concurrent use, also while SetRoots changes it; it opens no HDF5 file.
//
// A name is the path relative to its root, spelled (package spell), prefixed by the root's name when several are served. Nothing outside the
// roots can be named, not by "..", not by an absolute path, not by a symbolic link; all of that is fault.NotFound, in
// the words of a file that is not there. So is what the Rules do not give to the identity of the call's context: by the name that
// was asked for, before the disk is looked at, and by that of the file that it leads to.
package catalog

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// Catalog is the set of roots.
type Catalog struct {
	now   atomic.Pointer[[]root]
	rules func() Rules // nil: everybody may read everything
	disks *disks.Disks // nil: all are waited for

	collections []Collection
}

// Rules say who may read what. A name is that below the root, or the root's where that is a file.
type Rules interface {
	Allows(who identity.Identity, root, name string) bool
	// Reach tells whether somebody may read any file of a root whose name begins so, as far as that can be told, and all.
	Reach(who identity.Identity, root, begin string) (some, all bool)
}

// Under puts the catalog, which is not used yet, under rules: those that now says they are.
func (c *Catalog) Under(now func() Rules) { c.rules = now }

// On has what lies on a disk of d that does not answer be fault.Unavailable. It is for the time before the catalog is used.
func (c *Catalog) On(d *disks.Disks) { c.disks = d }

// Roots are the names of the roots; that of an only directory is empty.
func (c *Catalog) Roots() (names []string) {
	for _, r := range c.roots() {
		names = append(names, r.name)
	}
	return names
}

// may tells whether the call's identity may read the file of a name below a root, as it is spelled.
func (c *Catalog) may(ctx context.Context, r root, rel string) bool {
	return c.rules == nil || c.rules().Allows(identity.Of(ctx), r.name, rel)
}

// reach is Rules.Reach for the call's identity.
func (c *Catalog) reach(ctx context.Context, r root, begin string) (some, all bool) {
	if c.rules == nil {
		return true, true
	}
	return c.rules().Reach(identity.Of(ctx), r.name, begin)
}

// tells says whether the call's identity may know that there is a root.
func (c *Catalog) tells(ctx context.Context, r root) bool {
	if r.file {
		return c.may(ctx, r, r.name)
	}
	some, _ := c.reach(ctx, r, "")
	return some
}

// mayOpen tells whether the call's identity may read what lies at a place on disk, by one of its names. Links have been followed.
func (c *Catalog) mayOpen(ctx context.Context, path string) bool {
	return slices.ContainsFunc(c.roots(), func(r root) bool { return r.holds(path) && c.may(ctx, r, r.below(path)) })
}

// roots are those of now.
func (c *Catalog) roots() []root { return *c.now.Load() }

// root is a directory, or one file (then the file's whole name is the root's).
type root struct {
	name  string // spelled; "" for the only directory
	path  string // absolute, without symbolic links; of a store its place
	file  bool
	store *objectstore.Root // nil: on disk
}

// New makes a catalog of directories and files; each may be given as name=PATH. Several need distinct names, by
// default the last part of their path.
func New(specs []string) (*Catalog, error) {
	c := &Catalog{}
	return c, c.SetRoots(specs)
}

// SetRoots has other directories and files served from now on; after an error the same as before. Names that were resolved
// before lead where they led, but to nothing outside of the new roots.
func (c *Catalog) SetRoots(specs []string) error {
	if len(specs) == 0 {
		return fault.New(fault.Invalid, "catalog: nothing to serve: name a directory or a file")
	}
	var roots []root
	seen := map[string]bool{}
	for _, s := range specs {
		r, err := c.newRoot(s, len(specs) > 1)
		if err != nil {
			return err
		}
		if seen[r.name] {
			return fault.New(fault.Invalid, "catalog: two roots are called %s: leave one out, or give it another name, as in name=%s", r.name, r.path)
		}
		seen[r.name] = true
		roots = append(roots, r)
	}
	c.now.Store(&roots)
	return nil
}

func (c *Catalog) newRoot(spec string, several bool) (root, error) {
	name, path := cut(spec)
	if objectstore.Is(path) {
		return c.newStored(name, path, several)
	}
	return disks.Names(context.Background(), c.disks, path, func() (root, error) { return newRoot(spec, several) })
}

func newRoot(spec string, several bool) (root, error) {
	name, path := splitSpec(spec)
	if path == "" {
		return root{}, fault.New(fault.Invalid, "catalog: cannot serve %q: name a directory or a file", spec)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return root{}, fault.New(fault.Invalid, "catalog: %s: %w", spec, err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return root{}, missing(spec, err)
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return root{}, missing(spec, err)
	case !info.IsDir() && !info.Mode().IsRegular():
		return root{}, fault.New(fault.Invalid, "catalog: cannot serve %s: neither a directory nor a file", spec)
	}
	r := root{name: name, path: real, file: !info.IsDir()}
	if name == "" && (several || r.file) {
		r.name = spell.Escape(filepath.Base(abs))
	}
	if r.name == "/" || r.name == "." || r.name == ".." {
		return root{}, fault.New(fault.Invalid, "catalog: a root cannot be called %s: give it a name, as in name=%s", r.name, real)
	}
	return r, nil
}

// splitSpec parts NAME=PATH; a path that has an = itself and is there is a path.
func splitSpec(spec string) (name, path string) {
	if _, err := os.Stat(spec); err == nil {
		return "", spec
	}
	return cut(spec)
}

// cut parts NAME=PATH.
func cut(spec string) (name, path string) {
	if n, p, ok := strings.Cut(spec, "="); ok && n != "" && !strings.ContainsAny(n, "/\x00") {
		return spell.Escape(spell.Unescape(n)), p
	}
	return "", spec
}

func missing(spec string, err error) error {
	kind, cause := fault.NotFound, err
	var p *fs.PathError
	if errors.As(err, &p) {
		cause = p.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		kind = fault.Denied
	}
	return fault.New(kind, "catalog: cannot serve %s: %w: check the path", spec, cause)
}

// Resolve gives the place of a named file. What cannot be named is fault.NotFound with near matches, where these tell of nothing
// that is kept from the call's identity.
func (c *Catalog) Resolve(ctx context.Context, name string) (reader.Location, error) {
	r, rel, ok := c.split(name)
	if !ok || !c.tells(ctx, r) {
		return reader.Location{}, fault.New(fault.NotFound, "no such file %s%s", shown(name), c.nearRoot(ctx, name))
	}
	if r.store != nil {
		return c.resolveStored(ctx, r, rel, name)
	}
	loc, err := disks.Names(ctx, c.disks, r.disk(rel), func() (reader.Location, error) { return c.resolve(ctx, r, rel, name) })
	if fault.Of(err) == fault.Unavailable {
		err = fault.New(fault.Unavailable, "%s: %w", shown(name), err)
	}
	return loc, err
}

// resolve is Resolve below a root.
func (c *Catalog) resolve(ctx context.Context, r root, rel, name string) (reader.Location, error) {
	path, ok := c.find(ctx, r, rel)
	if !ok {
		hint := ""
		if _, all := c.reach(ctx, r, ""); all {
			hint = r.nearFile(rel)
		}
		return reader.Location{}, fault.New(fault.NotFound, "no such file %s%s", shown(name), hint)
	}
	return c.location(path, name), nil
}

// find is the place of a name below a root, if the call's identity may read it and what it leads to.
func (c *Catalog) find(ctx context.Context, r root, rel string) (path string, found bool) {
	disk := r.disk(rel)
	if !r.holds(disk) || !c.may(ctx, r, r.below(disk)) {
		return "", false
	}
	path, err := filepath.EvalSymlinks(disk)
	return path, err == nil && r.holds(path) && c.mayOpen(ctx, path) && regular(path)
}

func (c *Catalog) location(path, name string) reader.Location {
	l := reader.Location{Path: path, Name: name, Inside: c.Inside, NameOf: c.NameOf, Open: c.open}
	if c.rules != nil {
		l.May = c.mayOpen
	}
	return l
}

// split finds the root of a name and the path below it; false if no root can hold it.
func (c *Catalog) split(name string) (r root, rel string, ok bool) {
	if name == "" || strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return root{}, "", false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return root{}, "", false
		}
	}
	for _, r := range c.roots() {
		if r.file && name == r.name || !r.file && r.name == "" {
			return r, strings.TrimPrefix(name, r.name), true
		}
		if below, ok := strings.CutPrefix(name, r.name+"/"); ok && !r.file {
			return r, below, true
		}
	}
	return root{}, "", false
}

// Inside tells whether a path on disk, links followed, lies in a root.
func (c *Catalog) Inside(disk string) bool {
	path, err := filepath.EvalSymlinks(disk)
	return err == nil && slices.ContainsFunc(c.roots(), func(r root) bool { return r.holds(path) })
}

// NameOf is what clients call a path on disk; its last part where they have no name for it.
func (c *Catalog) NameOf(disk string) string {
	path, err := filepath.EvalSymlinks(disk)
	if err != nil {
		path = filepath.Clean(disk)
	}
	for _, r := range c.roots() {
		if r.holds(path) {
			return r.nameOf(path)
		}
	}
	return spell.Escape(filepath.Base(disk))
}

// Scrub takes the places of the roots out of a message for a client.
func (c *Catalog) Scrub(message string) string {
	for _, r := range c.roots() {
		if r.file {
			message = strings.ReplaceAll(message, r.path, r.name)
		} else if r.path != "/" {
			message = strings.ReplaceAll(message, r.path+"/", r.prefix())
			message = strings.ReplaceAll(message, r.path, r.name)
		}
	}
	return message
}

// holds tells whether a path without symbolic links is the root's.
func (r root) holds(path string) bool {
	if r.file {
		return path == r.path
	}
	return strings.HasPrefix(path, strings.TrimSuffix(r.path, "/")+"/")
}

func (r root) prefix() string {
	if r.name == "" {
		return ""
	}
	return r.name + "/"
}

func (r root) nameOf(path string) string {
	if r.file {
		return r.name
	}
	return r.prefix() + r.below(path)
}

// below is the name of a path without the root's; that of a root that is a file is the root's.
func (r root) below(path string) string {
	if r.file {
		return r.name
	}
	return spell.Escape(strings.TrimPrefix(path[len(strings.TrimSuffix(r.path, "/")):], "/"))
}

// disk is the place of a name without the root's.
func (r root) disk(rel string) string { return filepath.Join(r.path, spell.Unescape(rel)) }

func regular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// shown quotes a client's name, bounded, for a message.
func shown(name string) string {
	const most = 200
	if len(name) > most {
		name = name[:most] + "..."
	}
	return spell.Quote(name)
}

func (c *Catalog) nearRoot(ctx context.Context, name string) string {
	first, _, _ := strings.Cut(name, "/")
	var names []string
	for _, r := range c.roots() {
		if r.name != "" && c.tells(ctx, r) {
			names = append(names, r.name)
		}
	}
	return near.Hint(first, names)
}

// nearFile looks for what rel may have meant beside its first part that is not there: files, or folders on the way.
func (r root) nearFile(rel string) string {
	const most = 10_000 // entries looked at
	at := ""
	for rest := rel; rest != ""; {
		part, after, _ := strings.Cut(rest, "/")
		if part == "" || part == "." || r.leads(path.Join(at, part)) {
			at, rest = path.Join(at, part), after
			continue
		}
		f, err := os.Open(r.disk(at))
		if err != nil {
			return ""
		}
		defer f.Close()
		names, _ := f.Readdirnames(most)
		for i := range names {
			names[i] = spell.Escape(names[i])
		}
		slices.Sort(names)
		var found []string
		for _, n := range near.Near(part, names) {
			for _, whole := range []string{path.Join(at, n, after), path.Join(at, n)} {
				if r.leads(whole) {
					found = append(found, whole)
					break
				}
			}
		}
		return near.Paths(r.prefix(), found)
	}
	return ""
}

// leads tells whether a name, links followed, is a folder or file of the root.
func (r root) leads(rel string) bool {
	next, err := filepath.EvalSymlinks(r.disk(rel))
	if err != nil || !r.holds(next) {
		return false
	}
	info, err := os.Stat(next)
	return err == nil && (info.IsDir() || info.Mode().IsRegular())
}
