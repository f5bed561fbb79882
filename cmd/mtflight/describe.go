package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newDescribe() *cobra.Command {
	var asJSON bool
	var engine engineFlags
	c := &cobra.Command{
		Use:   "describe [grpc://HOST:PORT] FILE DATASET",
		Short: "Tell everything known of a dataset",
		Args:  placed(2, 2, 2),
		RunE: func(c *cobra.Command, args []string) error {
			location, rest := place(args)
			s, err := openSource(c.Context(), location, engine)
			if err != nil {
				return err
			}
			defer s.close()
			text, err := s.describe(c.Context(), rest[0], rest[1])
			if err != nil {
				return err
			}
			return describe(c.OutOrStdout(), text, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	engine.add(c)
	return c
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
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range members {
		for i, line := range strings.Split(m.text(), "\n") {
			name := m.name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(table, "%s\t%s\n", name, printable(line))
		}
	}
	return table.Flush()
}

type member struct {
	name  string
	value json.RawMessage
}

// text is a string's characters, any other value's JSON; an object has a line per member, the columns of a schema each.
func (m member) text() string {
	var s string
	var columns []column
	switch {
	case json.Unmarshal(m.value, &s) == nil:
		return s
	case m.name == "schema" && json.Unmarshal(m.value, &columns) == nil:
		return columnLines(columns)
	}
	inner, err := inOrder(m.value)
	if err != nil || len(inner) == 0 {
		return string(m.value)
	}
	lines := make([]string, len(inner))
	for i, in := range inner {
		value := elide(string(in.value), 100)
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

type column struct{ Name, Type string }

func columnLines(columns []column) string {
	lines := make([]string, len(columns))
	for i, c := range columns {
		lines[i] = c.Name + ": " + c.Type
	}
	return strings.Join(lines, "\n")
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
