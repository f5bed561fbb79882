package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/output"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/preview"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/reader"
)

// show writes rows for people: of an array of several axes the corners, else the first rows as a table, or as many as a limit
// says.
func show(c *cobra.Command, s source, rows *stream, request reader.Request, name string) (err error) {
	screen := terminal.Screen{}
	if name == "" || name == "-" {
		screen = terminal.Of(c.OutOrStdout())
	}
	out, err := output.Open(name, c.OutOrStdout())
	if err != nil {
		return err
	}
	defer func() { err = out.Finish(err) }()
	if m := preview.NewMatrix(out, screen, rows.Schema(), rows.rows); m != nil {
		return corners(c.Context(), m, s, rows, request)
	}
	most := int64(preview.Rows)
	if request.Limit != nil {
		most = -1
	}
	return table(out, screen, rows, most)
}

func table(out io.Writer, screen terminal.Screen, rows *stream, most int64) error {
	t := preview.NewTable(out, screen, rows.Schema(), rows.rows)
	if err := output.Copy(t, rows, most, output.NewProgress(io.Discard, false, rows.rows)); err != nil {
		return err
	}
	return t.Close()
}

// corners reads the rows at both ends: those at the end by a request of their own.
func corners(ctx context.Context, m *preview.Matrix, s source, rows *stream, request reader.Request) error {
	head, tail := m.Ends()
	if err := output.Copy(m, rows, head, output.NewProgress(io.Discard, false, head)); err != nil {
		return err
	}
	if tail < rows.rows {
		m.From(tail)
		request.Offset += tail
		rest, err := s.open(ctx, request)
		if err != nil {
			return err
		}
		defer rest.Release()
		if err := output.Copy(m, rest, -1, output.NewProgress(io.Discard, false, rest.rows)); err != nil {
			return err
		}
	}
	return m.Close()
}
