package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/values"
)

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
		if m.name == "metadata" && m.text() == "-" {
			continue // all of it stands elsewhere
		}
		name := screen.Paint(terminal.Name, terminal.Padded(terminal.Printable(m.name), width, false))
		for _, line := range lines(m.text(), screen.Width-width-len(terminal.Gap)) {
			out.WriteString(name + terminal.Gap + line + "\n")
			name = strings.Repeat(" ", width)
		}
	}
	_, err = io.WriteString(w, out.String())
	return err
}

// lines are a text's, made harmless and broken at a width where there is one.
func lines(text string, width int) (all []string) {
	for _, line := range strings.Split(text, "\n") {
		line = terminal.Printable(line)
		if width <= 0 {
			all = append(all, line)
			continue
		}
		all = append(all, terminal.Broken(line, width)...)
	}
	return all
}

type member struct {
	name  string
	value json.RawMessage
}

// text is what people read: of a string its characters, of any other value its JSON; an object has a line per member, the columns of a
// schema each, and so have the objects in a group.
func (m member) text() string {
	var s string
	var columns []column
	switch {
	case json.Unmarshal(m.value, &s) == nil:
		return orDash(s)
	case m.name == "schema" && json.Unmarshal(m.value, &columns) == nil:
		return columnLines(columns)
	case m.name == "groups" || m.name == "datasets" || m.name == "links":
		return objectLines(m.value)
	case m.name == "bytes" || m.name == "stored" || m.name == "ratio" || m.name == "max_shape":
		return m.number()
	}
	inner, err := inOrder(m.value)
	if err != nil {
		return orDash(strings.TrimPrefix(string(m.value), "[]"))
	}
	return orDash(strings.Join(m.members(inner), "\n"))
}

// number is a size with its unit, a ratio with three digits, a shape whose axes may be without end.
func (m member) number() string {
	var size int64
	var ratio float64
	switch {
	case m.name == "max_shape":
		return strings.ReplaceAll(string(m.value), "-1", "unlimited")
	case m.name != "ratio" && json.Unmarshal(m.value, &size) == nil && size >= 1024:
		return fmt.Sprintf("%d (%s)", size, values.Bytes(size))
	case m.name == "ratio" && json.Unmarshal(m.value, &ratio) == nil:
		return fmt.Sprintf("%.3g", ratio)
	}
	return string(m.value)
}

// ofPyTables are attributes that repeat a table's columns.
var ofPyTables = regexp.MustCompile(`^FIELD_\d+_(NAME|FILL)$`)

// members are the lines of an object's. What stands elsewhere in the description is left out: --json has it.
func (m member) members(inner []member) (lines []string) {
	left := 0
	for _, in := range inner {
		value := terminal.Elide(string(in.value), 100)
		switch {
		case m.name == "metadata" && strings.HasPrefix(in.name, "hdf5."):
			continue
		case m.name == "attributes" && ofPyTables.MatchString(in.name):
			left++
			continue
		case m.name == "attributes":
			value = in.attribute(value)
		}
		lines = append(lines, in.name+": "+value)
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("(and %d that PyTables keeps of columns, FIELD_n_NAME and FIELD_n_FILL; --json has them)", left))
	}
	return lines
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
		lines[i] = c.Name + ": " + shortType(c.Type)
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
		if strings.HasPrefix(o.Type, "compound(") {
			o.Type = "" // its columns are told by its own description
		}
		o.Type = numberType(o.Type)
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
