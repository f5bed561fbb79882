package main

import (
	"encoding/json"
	"fmt"
	"io"
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
			return list(c, s, append(rest, "")[0], frames, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	c.Flags().BoolVar(&frames, "frames", false, "also the data frames of pandas and AnnData, which are groups")
	engine.add(c)
	return c
}

func list(c *cobra.Command, s source, file string, frames, asJSON bool) error {
	if asJSON {
		lines := json.NewEncoder(c.OutOrStdout())
		return s.list(c.Context(), file, frames, func(d listed) error { return lines.Encode(d) })
	}
	table := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tDATASET\tKIND\tSHAPE\tTYPE\tCHUNKS\tFILTERS\tSIZE\tNOTE")
	rows := 0
	err := s.list(c.Context(), file, frames, func(d listed) error { rows++; return listRow(table, d) })
	if err != nil && rows == 0 {
		return err // which a head over nothing would only blur
	}
	return orFirst(err, table.Flush())
}

// widestName bounds what is shown of a name: one long name would part all columns of the table. JSON has it whole.
const widestName = 200

func listRow(w io.Writer, d listed) error {
	cells := []string{d.File, "-", "unreadable", "-", "-", "-", "-", "-", d.Error}
	if d.Info != nil {
		cells = []string{d.File, d.Path, d.Kind, orDash(shapeText(d.Shape)), elide(typeText(d.Info), 48), orDash(shapeText(d.Chunks)),
			orDash(strings.Join(d.Filters, "+")), bytesText(d.Bytes), d.Reason}
	}
	for i, cell := range cells {
		cells[i] = printable(cell)
	}
	cells[0], cells[1] = elide(cells[0], widestName), elide(cells[1], widestName)
	_, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	return err
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
