package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

func newDescribe() *cobra.Command {
	var asJSON bool
	var from sourceFlags
	c := &cobra.Command{
		Use:   "describe [grpc://HOST:PORT] FILE [DATASET|GROUP]",
		Short: "Tell everything known of a file, a group or a dataset",
		Long: `Tell everything known of a dataset or a data frame; of a group its attributes and what is in it; without a name of the
file: that is its root group, with the global attributes.`,
		Example: `  mtflight describe climate.nc
  mtflight describe run7.h5 /events`,
		Args:              placed(1, 1, 2),
		ValidArgsFunction: completeObjects,
		RunE: func(c *cobra.Command, args []string) error {
			return at(c, args, from, func(s source, rest []string) error {
				text, err := description(c.Context(), s, rest)
				if err != nil {
					return err
				}
				return describe(c.OutOrStdout(), text, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	from.add(c)
	return c
}

// description is that of a dataset, or of the group that is called so.
func description(ctx context.Context, s source, rest []string) (json.RawMessage, error) {
	if len(rest) < 2 {
		return describeGroup(ctx, s, rest[0], "/")
	}
	text, err := s.describe(ctx, rest[0], rest[1])
	if fault.Of(err) != fault.NotFound {
		return text, err
	}
	group, gerr := describeGroup(ctx, s, rest[0], rest[1])
	if gerr != nil {
		return nil, err
	}
	return group, nil
}

// groupDescription is what there is to tell of a group: all that it holds is part of it, as in the answer to the action list.
type groupDescription struct {
	File    string `json:"file"`
	Path    string `json:"path"`
	Kind    string `json:"kind"`
	Comment string `json:"comment,omitempty"`
	reader.Tree
	Attributes json.RawMessage `json:"attributes"`
}

func describeGroup(ctx context.Context, s source, file, path string) (json.RawMessage, error) {
	tree, err := s.tree(ctx, file)
	if err != nil {
		return nil, err
	}
	path = listedAs(tree, path)
	if file = spell.Escape(file); objectstore.Is(file) {
		file = shownAs(file)
	}
	d := groupDescription{File: file, Path: path, Kind: "group",
		Tree: reader.Tree{Groups: []reader.GroupInfo{}, Datasets: []reader.Info{}, Links: []reader.LinkInfo{}}}
	found := false
	for _, g := range tree.Groups {
		switch {
		case g.Path == path:
			d.Attributes, d.Comment, found = g.Attributes, g.Comment, true
		case below(path, g.Path):
			d.Groups = append(d.Groups, g)
		}
	}
	for _, ds := range tree.Datasets {
		if below(path, ds.Path) {
			d.Datasets = append(d.Datasets, ds)
		}
	}
	for _, l := range tree.Links {
		if below(path, l.Path) {
			d.Links = append(d.Links, l)
		}
	}
	if !found {
		return nil, fault.New(fault.NotFound, "%s: no group %s", d.File, spell.Quote(path))
	}
	return json.Marshal(d)
}

// listedAs is the path by which an object is listed that a path with further hard links in it names.
func listedAs(tree *reader.Tree, path string) string {
	path = strings.TrimSuffix(path, "/")
	for range strings.Count(path, "/") {
		i := slices.IndexFunc(tree.Links, func(l reader.LinkInfo) bool { return l.Kind == "hard" && below(l.Path, path) })
		if i < 0 {
			break
		}
		path = strings.TrimSuffix(tree.Links[i].Target, "/") + path[len(tree.Links[i].Path):]
	}
	return cmp.Or(path, "/")
}

func writeJSON(w io.Writer, text json.RawMessage) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, indented.String())
	return err
}

// columnsTold are the columns of a description.
func columnsTold(text json.RawMessage) []column {
	var told struct{ Schema []column }
	_ = json.Unmarshal(text, &told) // none, then
	return told.Schema
}
