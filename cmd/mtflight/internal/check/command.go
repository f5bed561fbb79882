package check

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// Command is `mtflight check`; flags adds those of a local engine.
func Command(flags func(*cobra.Command, *reader.Config)) *cobra.Command {
	var asJSON bool
	var engine reader.Config
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Read everything in files, and say what is damaged",
		Long: `Read every dataset, chunk, frame and attribute of files, verify the checksums that they have, and say what is damaged, where it lies,
and what can still be read. --json gives a report for each file, one a line.

HDF5 protects metadata of newer files by checksums, and values only where a filter does (fletcher32, deflate, bzip2): what else was
changed but still makes sense cannot be told from what was written. The last line says how many datasets are without.

Exit codes: 0 all was read and nothing is damaged, 5 something is damaged, 4 nothing that was read is damaged, but a type, filter or
layout is not supported, 3 and 6 no such file or not allowed to read it, others as of ` + "`mtflight`" + ` itself.`,
		Example: `  mtflight check run7.h5
  mtflight check --json *.h5 | jq 'select(.state == "damaged").datasets[] | select(.rows_lost > 0)'`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.New(fault.Invalid, "check: a file is expected: write `%s`", c.UseLine())
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			e, err := reader.NewEngine(engine)
			if err != nil {
				return err
			}
			defer e.Close()
			return check(c.Context(), e, files, c.OutOrStdout(), asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	flags(c, &engine)
	return c
}

// check looks at files one after the other. The error is the worst of what was found.
func check(ctx context.Context, e *reader.Engine, files []string, out io.Writer, asJSON bool) error {
	damaged, partial := 0, error(nil)
	var unread error
	for _, path := range files {
		if !objectstore.Is(path) {
			path = spell.Unescape(path) // named as for the other commands
		}
		r, err := Look(ctx, e, path)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil { // the others can be looked at
			unread = cmp.Or(unread, err)
			continue
		}
		if err := write(out, r, asJSON); err != nil {
			return err
		}
		switch r.State {
		case Damaged, Unreadable:
			damaged++
		case Partial:
			partial = cmp.Or(partial, fault.New(r.kind, "check: not everything in %s could be read", r.File))
		}
	}
	if damaged > 0 {
		return fault.New(fault.DataLoss, "check: %d of %d files damaged or unreadable", damaged, len(files))
	}
	return cmp.Or(unread, partial)
}

func write(out io.Writer, r *Report, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", text)
		return err
	}
	_, err := io.WriteString(out, text(r))
	return err
}

// text is a report for people.
func text(r *Report) string {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(terminal.Printable(fmt.Sprintf(format, args...)) + "\n")
	}
	line("%s: %s", r.File, map[string]string{Sound: "sound", Damaged: "DAMAGED", Partial: "nothing damaged, but not everything could be read", Unreadable: "CANNOT BE READ"}[r.State])
	for _, d := range r.Damage {
		line("  %s", d.text())
	}
	bare := 0
	for _, d := range r.Datasets {
		for _, x := range d.Damage {
			line("  %s", x.text())
		}
		if d.Lost > 0 {
			line("  %s: %d of %d rows lost, readable: %s", d.Path, d.Lost, d.Rows, ranges(d.Readable))
		}
		if len(d.Checksums) == 0 {
			bare++
		}
	}
	for _, u := range r.Unchecked {
		line("  %s: not checked: %s", u.Path, u.Reason)
	}
	if r.State != Unreadable {
		line("  datasets: %d (%d without checksums of their values), groups: %d, attributes: %d", len(r.Datasets), bare, r.Groups, r.Attributes)
	}
	return b.String()
}

func (d Damage) text() string {
	what := d.What
	switch d.What {
	case "chunk":
		what = fmt.Sprintf("chunk %v (rows %d:%d)", d.Chunk, d.Start, d.Stop)
	case "rows":
		what = fmt.Sprintf("rows %d:%d", d.Start, d.Stop)
	case "attribute":
		what = "attribute " + d.Attribute
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s: %s", d.Path, what, d.Reason))
}

// ranges are those of rows, a few of them.
func ranges(all [][2]int64) string {
	const most = 8
	var out []string
	for i, r := range all {
		if i == most {
			out = append(out, fmt.Sprintf("and %d ranges more (--json has all)", len(all)-most))
			break
		}
		out = append(out, fmt.Sprintf("%d:%d", r[0], r[1]))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
