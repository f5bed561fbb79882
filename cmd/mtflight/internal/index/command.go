package index

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// Command is `mtflight index`; flags adds those of a local engine.
func Command(flags func(*cobra.Command, *reader.Config)) *cobra.Command {
	var stats bool
	var engine reader.Config
	c := &cobra.Command{
		Use:   "index --index-dir DIRECTORY ROOT|FILE...",
		Short: "Write down where chunks lie and what values they have, for a server to know from the start",
		Long: `Write the chunk indexes of HDF5 files, or of all below directories or s3://BUCKET/PREFIX, to --index-dir and, with --stats, the bounds of the values in each
chunk, for which everything is read. A server with the same --index-dir then opens large files at once, and its first conditions leave
out chunks that cannot match. Files that have not changed since the last time are passed over; one that was written within the last two
seconds is waited for.`,
		Example: `  mtflight index --index-dir /var/lib/mtflight/index --stats /data
  mtflight serve --index-dir /var/lib/mtflight/index /data`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.New(fault.Invalid, "index: a directory or file is expected: write `%s`", c.UseLine())
			}
			return nil
		},
		RunE: func(c *cobra.Command, roots []string) error {
			if engine.IndexDir == "" {
				return fault.New(fault.Invalid, "index: there is no directory to write to: name one by --index-dir")
			}
			engine.Cache = -1 // everything is read once
			e, err := reader.NewEngine(engine)
			if err != nil {
				return err
			}
			j := &job{engine: e, stats: stats, errOut: c.ErrOrStderr()}
			defer e.Close()
			err = j.run(c.Context(), roots)
			fmt.Fprintf(c.OutOrStdout(), "%d files: %d indexed, %d had not changed, %d could not be indexed whole\n",
				j.indexed+j.known+j.failed, j.indexed, j.known, j.failed)
			return err
		},
	}
	c.Flags().BoolVar(&stats, "stats", false, "the bounds of the values in each chunk, too")
	flags(c, &engine)
	return c
}

// newBar shows how many bytes of files are done, where there is a terminal to see it.
func newBar(w io.Writer, total int64) *progressbar.ProgressBar {
	if !terminal.Of(w).Terminal {
		return progressbar.DefaultBytesSilent(total)
	}
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
}
