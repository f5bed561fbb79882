package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/fault"
)

func newStats() *cobra.Command {
	var asJSON bool
	var from sourceFlags
	var of survey
	c := &cobra.Command{
		Use:   "stats [grpc://HOST:PORT] FILE [DATASET]",
		Short: "Tell the bounds of each column's values, and how many are null or NaN",
		Long: `Tell the least and the greatest value of each column, and how many are null or NaN. What is not known of the dataset's chunks
yet is read for it. --json gives the answers of the action stats, one a line; with --chunks the chunks' come before.
DATASET may be left out where a file has one.`,
		Example: `  mtflight stats run7.h5 /events --fields t,energy
  mtflight stats run7.h5 /events --chunks --json`,
		Args:              placed(1, 1, 2),
		ValidArgsFunction: completeObjects,
		RunE: func(c *cobra.Command, args []string) error {
			if of.chunks && !asJSON {
				return usage(c, fmt.Errorf("stats: --chunks needs --json"))
			}
			return at(c, args, from, func(s source, rest []string) (err error) {
				if of.file, of.dataset, err = named(c.Context(), s, rest); err != nil {
					return err
				}
				return stats(c, s, of, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	c.Flags().BoolVar(&of.chunks, "chunks", false, "with --json: those of each chunk, too")
	c.Flags().Var(columns{&of.fields}, "fields", "columns (default: all)")
	_ = c.RegisterFlagCompletionFunc("fields", completeColumns)
	from.add(c)
	return c
}

func stats(c *cobra.Command, s source, of survey, asJSON bool) error {
	out := c.OutOrStdout()
	var last json.RawMessage
	err := s.stats(c.Context(), of, func(text json.RawMessage) error {
		last = bytes.Clone(text)
		if !asJSON {
			return nil
		}
		_, err := fmt.Fprintf(out, "%s\n", text)
		return err
	})
	if err != nil || asJSON {
		return err
	}
	return writeStats(out, last)
}

// writeStats writes the answer about all rows as a table.
func writeStats(w io.Writer, text json.RawMessage) error {
	var told struct {
		Rows    int64
		Columns []struct {
			Name, Type, Reason string
			Values, Null, NaN  int64
			Min, Max           json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return fault.New(fault.DataLoss, "stats: the server's answer tells none: %w", err)
	}
	g := terminal.Grid{Columns: []terminal.Column{{Head: "COLUMN", Style: terminal.Name, Late: true}, {Head: "TYPE", Style: terminal.Kind},
		{Head: "VALUES", Right: true}, {Head: "NULL", Right: true}, {Head: "NAN", Right: true}, {Head: "MIN", Right: true}, {Head: "MAX", Right: true},
		{Head: "NOTE", Style: terminal.Faint, Free: true}}}
	for _, s := range told.Columns {
		row := []string{s.Name, s.Type, fmt.Sprint(s.Values), fmt.Sprint(s.Null), fmt.Sprint(s.NaN), bound(s.Min), bound(s.Max), s.Reason}
		for i, cell := range row {
			row[i] = terminal.Printable(cell)
		}
		g.Rows = append(g.Rows, row)
	}
	screen := terminal.Of(w)
	_, err := io.WriteString(w, g.Write(screen)+screen.Paint(terminal.Faint, fmt.Sprintf("%d rows", told.Rows))+"\n")
	return err
}

// bound is a least or greatest value, a text without its quotes.
func bound(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil && string(value) != "null" {
		return terminal.Elide(s, 40)
	}
	if string(value) == "null" || len(value) == 0 {
		return "-"
	}
	return string(value)
}
