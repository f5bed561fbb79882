package columns

import (
	"path"
	"strings"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// lengths is what is known of the datasets below a group.
type lengths struct {
	longest int64
	count   int    // of that length
	child   string // of the group, that leads to those
	apart   bool   // they are below several children
}

func (l *lengths) add(n int64, child string) {
	switch {
	case n > l.longest || l.count == 0:
		*l = lengths{longest: n, count: 1, child: child}
	case n == l.longest:
		l.count++
		l.apart = l.apart || child != l.child
	}
}

// Groups are the groups of a tree that are tables of columns, in its order. Where all columns lie in one group below, that is the one.
func Groups(t Tree) (out []meta.Group) {
	apart, of := t.apart(), map[string]*lengths{}
	for i := range t.Datasets {
		d := &t.Datasets[i]
		n, has := rowsOf(d)
		if !has || n == unknown || t.Hidden(d.Path) || inside(apart, d.Path, "") || apart["/"] {
			continue
		}
		each(d.Path, func(group, child string) {
			l := of[group]
			if l == nil {
				l = &lengths{}
				of[group] = l
			}
			l.add(n, child)
		})
	}
	known := groupsOf(t.File)
	for _, g := range t.Groups {
		if is, err := otherwise(&g); is || err != nil || isVaex(known, path.Dir(g.Path)) { // the parts of a column
			continue
		}
		if l := of[g.Path]; l != nil && l.count > 1 && l.apart || isVaex(known, g.Path) {
			out = append(out, g)
		}
	}
	return out
}

// each calls use for the groups above a path, each with the name in it that leads there.
func each(path string, use func(group, child string)) {
	for i := 0; i >= 0 && i < len(path); {
		group, rest := path[:i], path[i+1:]
		if group == "" {
			group = "/"
		}
		name, _, more := strings.Cut(rest, "/")
		use(group, name)
		if !more {
			return
		}
		i += 1 + len(name)
	}
}

// isVaex tells whether vaex wrote a group, as far as its attributes can be read.
func isVaex(known groups, path string) bool {
	of, is, err := vaexGroup(known, path)
	return err == nil && is && of == path
}
