package main

import (
	"context"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/flight/serve"
	"github.com/mtflight/mtflight/internal/objectstore"
)

func newServe() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve ROOT...",
		Short: "Serve HDF5 files over Arrow Flight",
		Long: `Serve the HDF5 files below directories, or single files; those below s3://BUCKET/PREFIX, too.
A root may be given as NAME=PATH; with several roots a file's name starts with its root's. Ends on
Ctrl-C or SIGTERM: running streams may finish until --drain is over.

Each flag is also a variable (--stage-dir: MTFLIGHT_STAGE_DIR; lists with commas) and a key of the
YAML file --config (stage-dir). A flag goes before a variable, that before the file. The file's
roots are read again when it changes, and on SIGHUP. mtflight config checks and shows all of it,
the limits of docs/limits.md too (--max-connections and others), which are not listed here.`,
		Example: `  mtflight serve /data
  mtflight serve --listen grpc://0.0.0.0:8815 --insecure --memory 2GB runs=/data/runs
  mtflight serve --config /etc/mtflight.yaml`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.load(c, args); err != nil {
				return err
			}
			ctx := c.Context()
			if f.stdin {
				ctx = untilEnd(ctx, c.InOrStdin())
			}
			return runServer(ctx, &f, c)
		},
	}
	f.add(c)
	return c
}

// untilEnd is a context that ends with r, whose bytes it drops. A pipe from a parent process ends with that process,
// however it ends, which no other signal of its death does reliably.
func untilEnd(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, r)
	}()
	return ctx
}

func runServer(ctx context.Context, f *serveFlags, c *cobra.Command) (err error) {
	keepOut()
	server, err := f.complete(c.ErrOrStderr())
	if err != nil {
		return err
	}
	widen()
	f.reloadable(server, c.Flags())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serveSockets(ctx, server) })
	if !terminal.Of(c.ErrOrStderr()).Terminal { // a terminal that closes sends it, to end what runs in it
		hangup := make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
		g.Go(func() error { return reloadOn(ctx, hangup, server) })
	}
	g.Go(func() error {
		b := banner{locations: server.Locations(ctx), site: server.Site(ctx), secure: f.secure(), roots: shownRoots(f.Flight.Roots), log: f.Logger}
		if !f.stdin { // else a program waits, which knows what to ask
			tellSystemd(f.Logger, daemon.SdNotifyReady)
			if !b.secure {
				b.look(ctx, server)
			}
		}
		return b.write(c.OutOrStdout())
	})
	return g.Wait()
}

// shownRoots are roots without what may be a secret.
func shownRoots(roots []string) (shown []string) {
	for _, r := range roots {
		shown = append(shown, objectstore.Shown(r))
	}
	return shown
}

// widen has Go run twice as many goroutines at once as there are processors, unless GOMAXPROCS is set: half of those that it takes for
// running are in the kernel, reading or sending a MiB, and a row that is asked for would wait until it notices. Go looks at a container's
// limit no more then. Once, and after what is made for each processor is.
var widen = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
})

// keepOut has no other process of this user look into this one's memory, environment and descriptors, plug-ins least of all. There is
// no core dump of it then, either. What was inherited is for nobody that this one starts. What embeds the reader decides that for itself.
func keepOut() {
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
}

func reloadOn(ctx context.Context, hangup <-chan os.Signal, server *serve.Server) error {
	for {
		select {
		case <-hangup:
			_ = server.Reload() // the log has its errors
		case <-ctx.Done():
			return nil
		}
	}
}
