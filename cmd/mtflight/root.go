package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/bench"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/check"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/credentials"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/index"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/query"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
)

// run carries out one command line and returns its exit code. It may be called several times in one process.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	code := exitCode(ctx, err)
	if code == interrupted {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintf(errOut, "mtflight: %v\n", err)
	}
	return code
}

const interrupted = 130

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "mtflight",
		Short: "Serve and read HDF5 files as Apache Arrow",
		Long: `Serve HDF5 files over Apache Arrow Flight, and list, describe and read them.

Exit codes: 0 done, 1 anything not below, 2 wrong usage or request, 3 no such file, dataset or column,
4 type, filter or layout not supported, 5 data cannot be read, 6 permission denied or not logged in, 7 outside the data,
8 data that the options can't express, 9 file changed while read, 10 unavailable or out of memory budget,
130 interrupted.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, command := range c.Commands() {
				names = append(names, command.Name())
			}
			return usage(c, fmt.Errorf("unknown command %q%s", args[0], near.Hint(args[0], names)))
		},
		Version:       buildVersion(),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".LocalFlags.FlagUsages", ".LocalFlags.FlagUsagesWrapped 100"))
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, err) })
	root.AddCommand(newServe(), newConfig(), newTop(), newList(), newDescribe(), newAttributes(), newGet(), newStats(), newExplain(), newHealth(), newVersion(), newMan())
	root.AddCommand(bench.Command(engineFlags), check.Command(engineFlags), index.Command(engineFlags), query.Command(querySource))
	root.AddCommand(credentials.Commands()...)
	return root
}

// usage makes a mistake on the command line an error that says where to look.
func usage(c *cobra.Command, err error) error {
	return fault.New(fault.Invalid, "%w; see `%s --help`", err, c.CommandPath())
}

// between accepts low to high arguments.
func between(low, high int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if n := len(args); n < low || n > high {
			return fault.New(fault.Invalid, "%s: wrong number of arguments (%d): write `%s`", c.Name(), n, c.UseLine())
		}
		return nil
	}
}

// exitCode is the one place that turns errors into codes; newRoot's help documents them.
func exitCode(ctx context.Context, err error) int {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return interrupted
	}
	switch fault.Of(err) {
	case fault.Invalid:
		return 2
	case fault.NotFound:
		return 3
	case fault.Unsupported:
		return 4
	case fault.DataLoss:
		return 5
	case fault.Denied, fault.Unauthenticated:
		return 6
	case fault.OutOfRange:
		return 7
	case fault.Precondition:
		return 8
	case fault.Changed:
		return 9
	case fault.Unavailable, fault.Exhausted:
		return 10
	}
	if err != nil {
		return 1
	}
	return 0
}
