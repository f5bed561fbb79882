package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/fault"
)

func newExplain() *cobra.Command {
	var asJSON bool
	var f requestFlags
	c := &cobra.Command{
		Use:   "explain [grpc://HOST:PORT] FILE [DATASET]",
		Short: "Tell how rows would be read, without reading them",
		Long: `Tell how the rows that get would give are read: chunks touched and skipped, the index used or why none is,
bytes to read, columns decoded and the order. No row is read. DATASET may be left out where a file has one.`,
		Example:           `  mtflight explain run7.h5 /events --fields t --where "energy > 2"`,
		Args:              placed(1, 1, 2),
		ValidArgsFunction: completeObjects,
		RunE: func(c *cobra.Command, args []string) error {
			return f.from(c, args, func(s source) error {
				text, err := s.explain(c.Context(), f.request)
				if err != nil {
					return err
				}
				return explain(c.OutOrStdout(), text, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	f.add(c)
	return c
}

// explain writes the sentences of a plan, or all of it.
func explain(w io.Writer, text json.RawMessage, asJSON bool) error {
	if asJSON {
		return writeJSON(w, text)
	}
	var x struct {
		Plan []string `json:"plan"`
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return fault.New(fault.DataLoss, "explain: the server's answer is not a plan: %w", err)
	}
	for _, line := range x.Plan {
		if _, err := fmt.Fprintln(w, terminal.Printable(line)); err != nil {
			return err
		}
	}
	return nil
}
