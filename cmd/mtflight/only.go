package main

import (
	"context"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// named gives the file and the dataset that arguments name; without a dataset it is the only one of the file.
func named(ctx context.Context, s source, rest []string) (file, dataset string, err error) {
	if len(rest) > 1 {
		return rest[0], rest[1], nil
	}
	tree, err := s.tree(ctx, rest[0])
	if err != nil {
		return "", "", err
	}
	dataset, err = only(rest[0], tree)
	return rest[0], dataset, err
}

// only is the one dataset of a file, or its one frame where that is made of all datasets.
func only(file string, tree *reader.Tree) (string, error) {
	names := servable(tree)
	switch len(names) {
	case 0:
		return "", fault.New(fault.NotFound, "%s: there is no dataset in it", spell.Escape(file))
	case 1:
		return names[0], nil
	}
	const most = 3
	quoted := make([]string, 0, most+1)
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, spell.Quote(name))
	}
	if len(names) > most {
		quoted = append(quoted, "..")
	}
	return "", fault.New(fault.Invalid, "%s: it has %d datasets: name one: %s (`mtflight ls` lists them)", spell.Escape(file), len(names), strings.Join(quoted, ", "))
}

// servable are the paths of a file's frames, and of its datasets that are part of none.
func servable(tree *reader.Tree) (paths []string) {
	for _, g := range tree.Groups {
		if g.Frame != "" && !reader.Hidden(g.Path) {
			paths = append(paths, g.Path)
		}
	}
	frames := len(paths)
	for _, d := range tree.Datasets {
		part := false
		for _, f := range paths[:frames] {
			part = part || below(f, d.Path)
		}
		if !part {
			paths = append(paths, d.Path)
		}
	}
	return paths
}

// below tells whether a path is that of a group, or leads into it.
func below(group, path string) bool {
	group = strings.TrimSuffix(group, "/")
	return path == group || strings.HasPrefix(path, group+"/")
}
