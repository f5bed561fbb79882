// Package bench is the command bench: what limits reading a dataset on this machine. Report has the stages; they take turns, round after
// round, so that what else the machine does falls on all of them.
package bench

import (
	"encoding/json"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/find"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/reader"
)

// Command is `mtflight bench`; flags adds those of a local engine.
func Command(flags func(*cobra.Command, *reader.Config)) *cobra.Command {
	var asJSON bool
	var b Bench
	c := &cobra.Command{
		Use:   "bench FILE DATASET",
		Short: "Tell what limits reading a dataset on this machine",
		Long: `Read a dataset stage by stage, each alone and then together, and tell which of them limits it and how far the whole is from that limit:

  memory    a copy of as many bytes in memory: what no reader of the machine can beat
  read      the bytes of its chunks out of the file (out of the page cache, if they are there), as the engine reads them
  decode    its filters undone, over bytes that are in memory already
  reader    all of it to Arrow in this process
  sent      the same from memory to a client on this machine: what the connection gives
  served    the same from the file to that client

Rates are of decoded bytes, medians of the rounds. Nothing that was decoded is kept between rounds, except for sent.`,
		Example: `  mtflight bench run7.h5 /events
  mtflight bench run7.h5 /events --fields t,energy --rounds 9 --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fault.New(fault.Invalid, "bench: a file and a dataset are expected: write `%s`", c.UseLine())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			b.File, b.Dataset = onDisk(args[0]), args[1]
			r, err := b.Run(c.Context())
			if err != nil {
				return err
			}
			return write(c.OutOrStdout(), r, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	c.Flags().IntVar(&b.Rounds, "rounds", 3, "how often each stage is measured")
	c.Flags().StringSliceVar(&b.Fields, "fields", nil, "columns that reader, sent and served give (default: all)")
	flags(c, &b.Engine)
	return c
}

// onDisk is a file's name as it is on disk, in full.
func onDisk(name string) string {
	if objectstore.Is(name) {
		return name
	}
	at := find.OnDisk(name)
	if full, err := filepath.Abs(at); err == nil {
		return full
	}
	return at
}

func write(out io.Writer, r *Report, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	_, err := io.WriteString(out, r.text(terminal.Of(out)))
	return err
}
