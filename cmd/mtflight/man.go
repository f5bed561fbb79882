package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/mtflight/mtflight/internal/fault"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages into a directory",
		Example: `  mtflight man /usr/local/share/man/man1`,
		Args:    between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fault.New(fault.Denied, "man: %w: choose a directory that you may write to", err)
			}
			root := c.Root()
			root.DisableAutoGenTag = true // whose date would make each page another one
			if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "mtflight " + buildVersion()}, args[0]); err != nil {
				return fault.New(fault.Denied, "man: %w", err)
			}
			return nil
		},
	}
}
