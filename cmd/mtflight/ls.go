package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/find"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/values"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

func newList() *cobra.Command {
	var asJSON, tables bool
	frames := someFrames
	var from sourceFlags
	c := &cobra.Command{
		Use:   "ls [FILE|DIR...] [GROUP] | ls grpc://HOST:PORT [FILE...] [GROUP]",
		Short: "List the datasets of files or of a server",
		Long: `List the datasets and data frames of files or of a server; without names those below the working directory. A last
argument that starts with / and is no file is a group: what is in it is listed. A file below DIR, or of a server, that cannot be
read is a line with the reason; it is an error only if it is one that was asked for. --json tells more, and null where something is
not known.

A data frame of pandas or AnnData is a group; to tell its columns it has to be opened. The first ` + fmt.Sprint(mostFrames) + ` are, others are named
only, unless --frames asks for all. --frames=none lists none. A group whose datasets have one length is a table of columns: --columns lists
these.`,
		Example: `  mtflight ls run7.h5 run8.h5
  mtflight ls run7.h5 /detector
  mtflight ls /data
  mtflight ls grpc://127.0.0.1:8815 'run*'`,
		Args:              placed(0, 0, math.MaxInt-1),
		ValidArgsFunction: completeFiles,
		RunE: func(c *cobra.Command, args []string) error {
			return at(c, args, from, func(s source, rest []string) error {
				_, here := s.(*local)
				files, group := groupOf(rest, here)
				return list(c, s, files, group, listing{frames: frames.budget(), tables: tables, whole: asJSON}, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	c.Flags().Var(&frames, "frames", "data frames of pandas and AnnData, which are groups: how many are opened")
	c.Flags().Lookup("frames").NoOptDefVal = string(allFrames)
	c.Flags().BoolVar(&tables, "columns", false, "tables of columns, too: groups whose datasets have one length")
	completeWith(c, "frames", string(someFrames), string(allFrames), string(noFrames))
	from.add(c)
	return c
}

// groupOf tells the files from the group at their end. A server has no file whose name starts with a slash.
func groupOf(args []string, here bool) (files []string, group string) {
	if n := len(args); n > 0 && strings.HasPrefix(args[n-1], "/") && (!here || n > 1 && !exists(args[n-1])) {
		args, group = args[:n-1], args[n-1]
	}
	switch {
	case len(args) > 0:
		return args, group
	case here:
		return []string{"."}, group
	}
	return []string{""}, group
}

func exists(name string) bool {
	_, err := os.Stat(find.OnDisk(name))
	return err == nil
}

func list(c *cobra.Command, s source, files []string, group string, what listing, asJSON bool) error {
	out := c.OutOrStdout()
	lines := json.NewEncoder(out)
	var all []listed
	found := false
	visit := func(d listed) error {
		if d.Info != nil && !below(group, d.Path) {
			return nil
		}
		found = found || d.Info != nil
		if asJSON {
			return lines.Encode(d)
		}
		all = append(all, d)
		return nil
	}
	err := listFiles(c, s, files, what, visit)
	if err == nil && group != "" && !found {
		err = emptyGroup(c, s, files[0], group)
	}
	switch {
	case asJSON || err != nil && len(all) == 0:
		return err // which a head over nothing would only blur
	case len(all) == 0:
		_, err = fmt.Fprintln(c.ErrOrStderr(), "no datasets there")
		return err
	}
	return orFirst(err, writeList(out, all))
}

// listFiles lists one file after the other. One that cannot be listed ends the list where it is the only one; of several it is
// a line, and the error behind the others.
func listFiles(c *cobra.Command, s source, files []string, what listing, visit func(listed) error) (first error) {
	for _, what.file = range files {
		err := s.list(c.Context(), what, visit)
		if err == nil {
			continue
		}
		if len(files) == 1 || fault.Of(err) == nil || c.Context().Err() != nil {
			return err
		}
		first = orFirst(first, err)
		if err := visit(listed{File: spell.Escape(what.file), Error: err.Error()}); err != nil {
			return err
		}
	}
	return first
}

// emptyGroup is the error of a group that is not there; nil of one that is empty.
func emptyGroup(c *cobra.Command, s source, file, group string) error {
	tree, err := s.tree(c.Context(), file)
	if err != nil {
		return fault.New(fault.NotFound, "no file there has a group %s", spell.Quote(group))
	}
	var names []string
	for _, g := range tree.Groups {
		names = append(names, g.Path)
	}
	if slices.Contains(names, strings.TrimSuffix(group, "/")) {
		return nil
	}
	return fault.New(fault.NotFound, "%s: there is no group %s in it, nor a file of that name%s", spell.Escape(file), spell.Quote(group), near.Hint(group, names))
}

// writeList writes the table. A file's name before each dataset would push what is told of it off the screen: there it stands above
// them, as that of an only file does everywhere.
func writeList(w io.Writer, all []listed) error {
	screen := terminal.Of(w)
	framesFirst(all)
	g := terminal.Grid{Styles: map[int]terminal.Style{}, Columns: []terminal.Column{{Head: "FILE", Late: true}, {Head: "DATASET", Style: terminal.Name, Late: true},
		{Head: "KIND", Style: terminal.Kind}, {Head: "SHAPE"}, {Head: "TYPE"}, {Head: "CHUNKS", Style: terminal.Faint},
		{Head: "FILTERS", Style: terminal.Faint}, {Head: "SIZE"}, {Style: terminal.Faint, Free: true}}}
	one := len(all) > 0
	for i, d := range all {
		row := listRow(d, screen.Terminal && screen.Width < wide)
		g.Rows = append(g.Rows, row)
		if d.Info == nil || d.Kind == "unsupported" {
			g.Styles[i] = terminal.Bad
		}
		one = one && d.File == all[0].File
		if note := len(row) - 1; row[note] != "" {
			g.Columns[note].Head = "NOTE"
		}
	}
	if one || screen.Terminal {
		filesAbove(&g)
	}
	_, err := io.WriteString(w, g.Write(screen))
	return err
}

// filesAbove moves the names of files, the first column, above the rows of each.
func filesAbove(g *terminal.Grid) {
	g.Columns, g.Above = g.Columns[1:], map[int]string{}
	last := ""
	for i, row := range g.Rows {
		if i == 0 || row[0] != last {
			g.Above[i], last = row[0], row[0]
		}
		g.Rows[i] = row[1:]
	}
}

// widestName bounds what is shown of a name: one long name would part all columns of the table. JSON has it whole.
const widestName = 200

// wide is from how many characters on a line has room for what wrote a frame.
const wide = 120

func listRow(d listed, narrow bool) []string {
	cells := []string{d.File, "-", "unreadable", "-", "-", "-", "-", "-", strings.Replace(d.Error, d.File+": ", "", 1)}
	if d.Info != nil {
		cells = []string{d.File, d.Path, kindText(d.Info, narrow), orDash(shapeText(d.Info)), orDash(terminal.Elide(typeText(d), 48)), orDash(product(d.Chunks)),
			orDash(strings.Join(d.Filters, "+")), countText(d.Bytes), d.note()}
	}
	for i, cell := range cells {
		cells[i] = terminal.Printable(cell)
	}
	cells[0], cells[1] = terminal.Elide(cells[0], widestName), terminal.Elide(cells[1], widestName)
	return cells
}

// note says why a dataset cannot be read, or that a frame was not looked at.
func (d listed) note() string {
	if d.Layout == "frame" && d.Kind == "table" && d.columns == nil {
		return "--frames tells its columns"
	}
	return d.Reason
}

// framesFirst sorts what each file has by path, so that a frame stands before the datasets that it is made of.
func framesFirst(all []listed) {
	path := func(d listed) string {
		if d.Info == nil {
			return ""
		}
		return strings.ReplaceAll(d.Path, "/", "\x00")
	}
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(d listed) bool { return d.File != all[0].File })
		if n < 0 {
			n = len(all)
		}
		slices.SortStableFunc(all[:n], func(a, b listed) int { return strings.Compare(path(a), path(b)) })
		all = all[n:]
	}
}

// kindText is a dataset's kind, of a frame with what wrote it where there is room.
func kindText(d *reader.Info, narrow bool) string {
	if d.Layout == "frame" && d.Kind == "table" {
		if narrow {
			return "frame"
		}
		return "frame (" + d.Type + ")"
	}
	return d.Kind
}

// typeText is the Arrow type of an array's elements, or of each column; the HDF5 type where there is none.
func typeText(d listed) string {
	if d.columns == nil && d.Layout == "frame" {
		return ""
	}
	if len(d.columns) == 0 {
		return d.Type
	}
	if len(d.columns) == 1 && d.Kind != "table" && d.Kind != "columns" {
		return elementType(d.columns[0].Type)
	}
	columns := make([]string, len(d.columns))
	for i, c := range d.columns {
		columns[i] = c.Name + " " + shortType(c.Type)
	}
	return strings.Join(columns, ", ")
}

// shapeText is a shape as 12x3; a scalar's is "scalar", a frame's its rows.
func shapeText(d *reader.Info) string {
	if (d.Layout == "frame" || d.Layout == "columns") && d.Rows >= 0 {
		return fmt.Sprint(d.Rows)
	}
	return product(d.Shape)
}

func product(shape []int64) string {
	if shape == nil {
		return ""
	}
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = fmt.Sprint(n)
	}
	if len(parts) == 0 {
		return "scalar"
	}
	return strings.Join(parts, "x")
}

func countText(bytes reader.Count) string {
	if bytes < 0 {
		return "-"
	}
	return values.Bytes(int64(bytes))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func orFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
