package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/reader"
)

func newList() *cobra.Command {
	var asJSON, frames bool
	var engine engineFlags
	c := &cobra.Command{
		Use:   "ls FILE|DIR | ls grpc://HOST:PORT [FILE]",
		Short: "List the datasets of files or of a server",
		Long: `List the datasets of files or of a server. A file below DIR, or of a server, that cannot be read is a line with the
reason; it is an error only if it is the one asked for. --json tells more, and null where something is not known.`,
		Example: `  mtflight ls run7.h5
  mtflight ls /data
  mtflight ls --frames store.h5
  mtflight ls grpc://127.0.0.1:8815 'run*'`,
		Args: placed(0, 1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			location, rest := place(args)
			s, err := openSource(c.Context(), location, engine)
			if err != nil {
				return err
			}
			defer s.close()
			return list(c, s, listing{append(rest, "")[0], frames, asJSON})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	c.Flags().BoolVar(&frames, "frames", false, "also the data frames of pandas and AnnData, which are groups")
	engine.add(c)
	return c
}

func list(c *cobra.Command, s source, what listing) error {
	if what.whole {
		lines := json.NewEncoder(c.OutOrStdout())
		return s.list(c.Context(), what, func(d listed) error { return lines.Encode(d) })
	}
	rows := [][]string{{"FILE", "DATASET", "KIND", "SHAPE", "TYPE", "CHUNKS", "FILTERS", "SIZE", "NOTE"}}
	err := s.list(c.Context(), what, func(d listed) error { rows = append(rows, listRow(d)); return nil })
	if err != nil && len(rows) == 1 {
		return err // which a head over nothing would only blur
	}
	return orFirst(err, writeRows(c.OutOrStdout(), rows))
}

// writeRows writes a table with its head. The name of the only file would push those of the datasets off the screen: it
// is written once.
func writeRows(w io.Writer, rows [][]string) error {
	if file := rows[len(rows)-1][0]; len(rows) > 1 && !slices.ContainsFunc(rows[1:], func(r []string) bool { return r[0] != file }) {
		fmt.Fprintln(w, file)
		for i := range rows {
			rows[i] = rows[i][1:]
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	return table.Flush()
}

// widestName bounds what is shown of a name: one long name would part all columns of the table. JSON has it whole.
const widestName = 200

func listRow(d listed) []string {
	cells := []string{d.File, "-", "unreadable", "-", "-", "-", "-", "-", d.Error}
	if d.Info != nil {
		cells = []string{d.File, d.Path, d.Kind, orDash(shapeText(d.Shape)), elide(typeText(d.Info), 48), orDash(shapeText(d.Chunks)),
			orDash(strings.Join(d.Filters, "+")), countText(d.Bytes), d.Reason}
	}
	for i, cell := range cells {
		cells[i] = printable(cell)
	}
	cells[0], cells[1] = elide(cells[0], widestName), elide(cells[1], widestName)
	return cells
}

// typeText is the Arrow type of an array's elements, or of each column; the HDF5 type where there is none.
func typeText(d *reader.Info) string {
	if d.Schema == nil {
		return d.Type
	}
	fields := d.Schema.Fields()
	if len(fields) == 1 && d.Kind != "table" {
		return fields[0].Type.String()
	}
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = f.Name + " " + f.Type.String()
	}
	return strings.Join(columns, ", ")
}

// shapeText is a shape as 12x3; a scalar's is "scalar".
func shapeText(shape []int64) string {
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
	return bytesText(int64(bytes))
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
