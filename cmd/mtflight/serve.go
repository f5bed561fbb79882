package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

type serveFlags struct {
	engine    engineFlags
	listen    []string
	insecure  bool
	socket    fileMode
	advertise []string
	drain     time.Duration
	helpers   count
	logLevel  string
	stdin     bool
	stageDir  string
	stage     size
}

func newServe() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve ROOT...",
		Short: "Serve HDF5 files over Arrow Flight",
		Long: `Serve the HDF5 files below directories, or single files. A root may be given as NAME=PATH; with several roots
a file's name starts with its root's. Ends on Ctrl-C or SIGTERM: running streams may finish until --drain is over.`,
		Example: `  mtflight serve /data
  mtflight serve --listen grpc://0.0.0.0:8815 --insecure --listen grpc+unix:///run/mtflight.sock --memory 2GB runs=/data/runs`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(c, fmt.Errorf("serve needs a directory or file to serve"))
			}
			return nil
		},
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if f.stdin {
				ctx = untilEnd(ctx, c.InOrStdin())
			}
			return serve(ctx, f, args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags := c.Flags()
	flags.StringArrayVar(&f.listen, "listen", []string{defaultLocation}, "where to listen: grpc://HOST:PORT or grpc+unix:///PATH; may be repeated")
	flags.BoolVar(&f.insecure, "insecure", false, "listen beyond this machine though whoever reaches it can read what is served")
	f.socket = 0o600
	flags.Var(&f.socket, "socket-mode", "permissions of the files of Unix sockets: 0660 lets their group connect")
	flags.StringArrayVar(&f.advertise, "advertise", nil, "location that clients are sent to: this server or a replica of the same roots; may be repeated")
	flags.DurationVar(&f.drain, "drain", 20*time.Second, "how long running streams may go on at the end; 0s: not at all")
	flags.Var(&f.helpers, "helpers", "processes at most that call libhdf5, and as many that its plug-in filters keep busy (default: one per worker, at least 2)")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	completeWith(c, "log-level", "debug", "info", "warn", "error")
	flags.BoolVar(&f.stdin, "exit-with-stdin", false, "end when standard input ends, as it does when the program that holds it ends or crashes")
	flags.StringVar(&f.stageDir, "stage-dir", defaultStageDir(), "directory in shared memory for clients of this host; empty: nothing is staged")
	flags.Var(&f.stage, "stage-memory", "bytes staged at most, part of --memory (default: half of it)")
	f.engine.add(c)
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

func serve(ctx context.Context, f serveFlags, roots []string, out, errOut io.Writer) (err error) {
	log, err := newLogger(f.logLevel, errOut)
	if err != nil {
		return err
	}
	if f.drain < 0 {
		return fault.New(fault.Invalid, "serve: --drain must not be negative")
	}
	config := f.engine.config()
	config.Logger, config.Helpers = log, int(f.helpers)
	engine, err := reader.NewEngine(config)
	if err != nil {
		return err
	}
	defer func() { err = orFirst(err, engine.Close()) }()
	boundHeap(engine)
	server, err := flight.New(flight.Config{Engine: engine, Roots: roots, Listen: f.listen, Insecure: f.insecure, SocketMode: fs.FileMode(f.socket), Advertise: f.advertise,
		Workers: int(f.engine.workers), Drain: max(f.drain, 1), Logger: log, Version: buildVersion(), StageDir: f.stageDir, StageMemory: int64(f.stage)})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serveSockets(ctx, server) })
	g.Go(func() error {
		b := banner{addrs: server.Addrs(ctx), roots: roots, log: log}
		if !f.stdin { // else a program waits, which knows what to ask
			tellSystemd(log, daemon.SdNotifyReady)
			b.look(ctx, server)
		}
		return b.write(out)
	})
	return g.Wait()
}

// besides is what the heap holds beside that: metadata, requests, connections.
const besides = 64 << 20

// boundHeap has garbage collected earlier where it would make the process larger than its budget and what lies beside
// that, with what is mapped. GOMEMLIMIT overrides it.
func boundHeap(e *reader.Engine) {
	if os.Getenv("GOMEMLIMIT") == "" {
		e.OnHeap(func(most int64) { debug.SetMemoryLimit(most + besides) })
	}
}

// defaultStageDir is this user's own directory in shared memory.
func defaultStageDir() string { return fmt.Sprintf("/dev/shm/mtflight-%d", os.Getuid()) }
