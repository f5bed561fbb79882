// Command mtflight serves HDF5 files as Apache Arrow Flight, and lists, describes and reads them.
//
// Each command is a file of its own; all of them take their context, arguments and writers from run.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
