package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

func newDescribe() *cobra.Command {
	var asJSON bool
	var engine reader.Config
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
			return at(c, args, engine, func(s source, rest []string) error {
				text, err := description(c.Context(), s, rest)
				if err != nil {
					return err
				}
				return describe(c.OutOrStdout(), text, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	engineFlags(c, &engine)
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
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	d := groupDescription{File: spell.Escape(file), Path: path, Kind: "group",
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

func writeJSON(w io.Writer, text json.RawMessage) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, indented.String())
	return err
}

func describe(w io.Writer, text json.RawMessage, asJSON bool) error {
	if asJSON {
		return writeJSON(w, text)
	}
	members, err := inOrder(text)
	if err != nil {
		return err
	}
	screen, width := terminal.Of(w), 0
	for _, m := range members {
		width = max(width, terminal.Width(terminal.Printable(m.name)))
	}
	var out strings.Builder
	for _, m := range members {
		name := screen.Paint(terminal.Name, terminal.Padded(terminal.Printable(m.name), width, false))
		for _, line := range strings.Split(m.text(), "\n") {
			out.WriteString(name + terminal.Gap + terminal.Printable(line) + "\n")
			name = strings.Repeat(" ", width)
		}
	}
	_, err = io.WriteString(w, out.String())
	return err
}

type member struct {
	name  string
	value json.RawMessage
}

// text is a string's characters, any other value's JSON; an object has a line per member, the columns of a schema each, and so
// have the objects in a group.
func (m member) text() string {
	var s string
	var columns []column
	switch {
	case json.Unmarshal(m.value, &s) == nil:
		return s
	case m.name == "schema" && json.Unmarshal(m.value, &columns) == nil:
		return columnLines(columns)
	case m.name == "groups" || m.name == "datasets" || m.name == "links":
		return objectLines(m.value)
	}
	inner, err := inOrder(m.value)
	if err != nil || len(inner) == 0 {
		return string(m.value)
	}
	lines := make([]string, len(inner))
	for i, in := range inner {
		value := terminal.Elide(string(in.value), 100)
		if m.name == "attributes" {
			value = in.attribute(value)
		}
		lines[i] = in.name + ": " + value
	}
	return strings.Join(lines, "\n")
}

// attribute says of an attribute's value what it is, where it is none; else text.
func (m member) attribute(text string) string {
	var told struct {
		Bytes      *uint64
		Unreadable *string
	}
	inner, err := inOrder(m.value)
	if err != nil || len(inner) != 1 || json.Unmarshal(m.value, &told) != nil {
		return text
	}
	switch {
	case told.Bytes != nil:
		return fmt.Sprintf("%d bytes (`mtflight attributes` gives it)", *told.Bytes)
	case told.Unreadable != nil:
		return "unreadable: " + *told.Unreadable
	}
	return text
}

func columnLines(columns []column) string {
	lines := make([]string, len(columns))
	for i, c := range columns {
		lines[i] = c.Name + ": " + c.Type
	}
	return strings.Join(lines, "\n")
}

// objectLines names the objects of a group, each with what it is, and where a link leads.
func objectLines(value json.RawMessage) string {
	var objects []struct {
		Path, Kind, Frame, File, Target, Type string
		Shape                                 []int64
	}
	if json.Unmarshal(value, &objects) != nil {
		return string(value)
	}
	lines := make([]string, len(objects))
	for i, o := range objects {
		parts := []string{o.Path, o.Kind, product(o.Shape), terminal.Elide(o.Type, 48), o.Frame, o.File, o.Target}
		lines[i] = strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
	}
	return orDash(strings.Join(lines, "\n"))
}

// inOrder gives the members of a JSON object in the order they stand.
func inOrder(object json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("describe: not a JSON object")
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: fmt.Sprint(name)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// columnsTold are the columns of a description.
func columnsTold(text json.RawMessage) []column {
	var told struct{ Schema []column }
	_ = json.Unmarshal(text, &told) // none, then
	return told.Schema
}
