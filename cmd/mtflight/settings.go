package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/settings"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/values"
	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/flight/serve"
	"github.com/mtflight/mtflight/internal/disks"
)

// serveFlags are the settings of a server: the flags of serve, which are variables and keys of a file, too.
type serveFlags struct {
	serve.Config
	file     string
	logLevel string
	stdin    bool
	origins  settings.Origins
}

func (f *serveFlags) add(c *cobra.Command) {
	f.Config = serve.Default()
	served, flags := &f.Flight, c.Flags()
	flags.StringVar(&f.file, settings.File, "", "YAML `FILE` of settings, named as the flags")
	flags.StringArrayVar(&served.Roots, "root", nil, "as the arguments: a `DIRECTORY` or file to serve; may be repeated")
	flags.StringArrayVar(&served.Collections, "collection", nil, "NAME=PATTERN:DATASET: files as one `TABLE`; may be repeated")
	flags.StringArrayVar(&served.Listen, "listen", served.Listen, "`LOCATION` to listen at: grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH; may be repeated")
	addSecurity(flags, &served.Security)
	addLimits(flags, &served.Limits)
	addHTTP(flags, &served.HTTP)
	flags.BoolVar(&served.Insecure, "insecure", false, "listen beyond this machine without TLS or a login: whoever reaches it can read what is served")
	flags.Var((*values.FileMode)(&served.SocketMode), "socket-mode", "permissions of the files of Unix sockets: 0660 lets their group connect")
	flags.StringArrayVar(&served.Advertise, "advertise", nil, "`LOCATION` that clients are sent to: this server or a replica of the same roots; may be repeated")
	flags.StringArrayVar(&served.Peers, "peers", nil, "replica's `LOCATION`, named while it is ready, or dns:///HOST:PORT")
	flags.DurationVar(&served.Drain, "drain", served.Drain, "`TIME` that streams may go on at the end; 0s: none")
	flags.DurationVar(&f.Engine.ReadTimeout, "read-timeout", disks.DefaultLimit, "`TIME` that a disk may take to answer")
	flags.Lookup("read-timeout").Hidden = true // of docs/limits.md
	flags.Var((*values.Count)(&f.Engine.Helpers), "helpers", "processes at most that call libhdf5, and as many that its plug-in filters keep busy (default: one per worker, at least 2)")
	flags.StringVar(&served.Admin, "admin", "", "`ADDRESS` of metrics, state and profiles, by HTTP: HOST:PORT, https://HOST:PORT (operators of --rules log in) or unix:///PATH (default: none)")
	flags.DurationVar(&served.Slow, "slow", 0, "`TIME` from which requests are logged with their plan; 0s: none")
	flags.StringVar(&served.SQL, "sql", "", "`PATH` of mtflight-sql, which answers SQL statements, or off (default: beside this program, if there)")
	flags.StringVar(&f.Traces, "traces", "", "`LOCATION` of an OpenTelemetry collector (OTLP, gRPC): http://HOST:PORT or https:// (default: OTEL_EXPORTER_OTLP_ENDPOINT, else none)")
	flags.StringVar(&f.logLevel, "log-level", "info", "`LEVEL` of the log: debug, info, warn or error")
	completeWith(c, "log-level", "debug", "info", "warn", "error")
	flags.BoolVar(&f.stdin, "exit-with-stdin", false, "end when standard input ends, as it does when the program that holds it ends or crashes")
	flags.StringVar(&served.StageDir, "stage-dir", served.StageDir, "`DIRECTORY` in shared memory for clients of this host; empty: nothing is staged")
	flags.Var((*values.Size)(&served.StageMemory), "stage-memory", "bytes staged at most, part of --memory (default: half of it)")
	engineFlags(c, &f.Engine)
}

// load takes the arguments for roots, and what the command line leaves open from variables and the file.
func (f *serveFlags) load(c *cobra.Command, args []string) (err error) {
	for _, root := range args {
		if err := c.Flags().Set("root", root); err != nil {
			return err
		}
	}
	if f.origins, err = settings.Load(c.Flags(), os.LookupEnv); err != nil {
		return err
	}
	if len(f.Flight.Roots) == 0 {
		return usage(c, fmt.Errorf("serve needs a directory or file to serve"))
	}
	return nil
}

// complete makes the server, whose log goes to w.
func (f *serveFlags) complete(w io.Writer) (_ *serve.Server, err error) {
	log, audit, err := newLoggers(f.logLevel, w)
	if err != nil {
		return nil, err
	}
	if f.Logger = log; f.secure() {
		f.Flight.Audit = audit
	}
	f.Flight.Version = buildVersion()
	return f.Complete()
}

// secure tells whether calls are judged, and so written down.
func (f *serveFlags) secure() bool { return f.Flight.Security != flight.Security{} }

// reloadable has the server take the roots of the configuration when that is read again. The rest of it needs another start.
func (f *serveFlags) reloadable(server *serve.Server, flags *pflag.FlagSet) {
	for _, told := range settings.Misspelt(flags, os.Environ()) {
		f.Logger.Warn(told)
	}
	var files []string
	if f.file != "" {
		files = []string{f.file}
	}
	server.OnReload("configuration", func() error {
		roots, changed, err := f.again(flags)
		if err != nil {
			return err
		}
		for _, name := range changed {
			f.Logger.Sugar().Warnf("another %s is in the configuration now: it needs a restart", name)
		}
		return server.SetRoots(roots)
	}, files...)
}

// again loads what the configuration is now beside the same command line: its roots, and what else differs from the flags.
func (f *serveFlags) again(flags *pflag.FlagSet) (roots, changed []string, err error) {
	var now serveFlags
	c := &cobra.Command{Use: "serve"}
	now.add(c)
	settings.Given(flags, c.Flags(), f.origins)
	if err := now.load(c, nil); err != nil {
		return nil, nil, err
	}
	return now.Flight.Roots, settings.Differ(flags, c.Flags(), "root"), nil
}

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check or show what `mtflight serve` would start with",
		Args:  between(0, 0),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(configCommand("check", "Say what `mtflight serve` would refuse, and start nothing", (*serveFlags).check),
		configCommand("show", "Write the settings of `mtflight serve` as a file, and where each is from", (*serveFlags).show))
	return c
}

// configCommand is a command with the flags and arguments of serve.
func configCommand(name, short string, do func(*serveFlags, *cobra.Command) error) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:     name + " [ROOT...]",
		Short:   short,
		Long:    short + ".\nIt takes flags, variables and file of `mtflight serve`, whose help tells them.",
		Example: fmt.Sprintf("  mtflight config %s --config /etc/mtflight.yaml", name),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.load(c, args); err != nil {
				return err
			}
			return do(&f, c)
		},
	}
	f.add(c)
	c.Flags().VisitAll(func(flag *pflag.Flag) { flag.Hidden = flag.Name != settings.File })
	return c
}

func (f *serveFlags) check(c *cobra.Command) error {
	server, err := f.complete(c.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := server.Close(); err != nil {
		return err
	}
	for _, told := range settings.Misspelt(c.Flags(), os.Environ()) {
		fmt.Fprintln(c.ErrOrStderr(), told)
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), "good")
	return err
}

func (f *serveFlags) show(c *cobra.Command) error {
	return settings.Show(c.OutOrStdout(), c.Flags(), f.origins)
}

// addSecurity adds the flags of TLS, logins and rules.
func addSecurity(flags *pflag.FlagSet, s *flight.Security) {
	flags.StringVar(&s.TLSCert, "tls-cert", "", "PEM `FILE` of the server's certificate, for grpc+tls://")
	flags.StringVar(&s.TLSKey, "tls-key", "", "PEM `FILE` of its key, which others must not be able to read")
	flags.StringVar(&s.TLSClientCA, "tls-client-ca", "", "PEM `FILE` of authorities (and their revocation lists): clients log in by a certificate of theirs")
	flags.StringVar(&s.AuthTokens, "auth-tokens", "", "`FILE` of tokens' hashes, which `mtflight token new` adds to: clients log in by a bearer")
	flags.StringVar(&s.AuthUsers, "auth-users", "", "`FILE` of passwords' hashes, which `mtflight user add` adds to: clients log in by Handshake")
	flags.StringVar(&s.TokenKey, "token-key", "", "`FILE` of the key, replicas' too, that signs what a login by password gives (default: one for this process)")
	flags.StringVar(&s.OIDCIssuer, "oidc-issuer", "", "`URL` of an OpenID Connect provider: clients log in by its tokens")
	flags.StringVar(&s.OIDCAudience, "oidc-audience", "", "`NAME` whom its tokens have to be for")
	flags.StringVar(&s.Rules, "rules", "", "YAML `FILE` that says who may read which files (default: whoever has logged in, all)")
}

// addLimits adds the flags of docs/limits.md, of which help says only where they are.
func addLimits(flags *pflag.FlagSet, l *flight.Limits) {
	all := pflag.NewFlagSet("limits", pflag.ContinueOnError)
	all.IntVar(&l.Connections, "max-connections", l.Connections, "connections at once")
	all.IntVar(&l.Streams, "max-streams", l.Streams, "calls of one connection at once")
	all.IntVar(&l.Header, "max-header", l.Header, "bytes of a call's header list")
	all.DurationVar(&l.ReceiveTimeout, "receive-timeout", l.ReceiveTimeout, "`TIME` in which each message of a client has to come")
	all.DurationVar(&l.Idle, "max-idle", l.Idle, "`TIME` that a connection may be without a call")
	all.DurationVar(&l.Age, "max-age", l.Age, "`TIME` after which a connection takes no more calls")
	all.DurationVar(&l.MaxWait, "max-wait", l.MaxWait, "`TIME` that a request waits for memory")
	all.DurationVar(&l.StallTimeout, "stall-timeout", l.StallTimeout, "`TIME` that a client may take nothing of its stream while others wait for memory")
	all.DurationVar(&l.SQLTime, "sql-time", l.SQLTime, "`TIME` that a SQL statement may run, from its turn to its last row")
	all.IntVar(&l.SQLStatements, "sql-statements", l.SQLStatements, "SQL statements of an identity at once; others of it wait")
	all.Var((*values.Size)(&l.SQLMemory), "sql-memory", "bytes that a SQL statement may take, beside --memory (default: a sixteenth of --memory, in it)")
	all.Int64Var(&l.SQLRows, "sql-rows", l.SQLRows, "rows of a SQL statement's result; 0: all")
	all.IntVar(&l.Leases, "max-leases", l.Leases, "results and rings of an identity (else a connection) in shared memory")
	all.Var((*values.Unless)(&l.NoReflection), "reflection", "on: gRPC's reflection is served to whoever may call; off: it is not")
	all.VisitAll(func(f *pflag.Flag) { f.Hidden = true })
	flags.AddFlagSet(all)
}

// addHTTP adds the flags of answers by HTTP.
func addHTTP(flags *pflag.FlagSet, h *flight.HTTP) {
	flags.StringVar(&h.Address, "http", "", "`HOST:PORT` to answer by HTTP, too (default: none)")
	flags.StringArrayVar(&h.Hosts, "http-host", nil, "`NAME` of this server in addresses of HTTP; may be repeated")
	flags.StringArrayVar(&h.Origins, "http-cors", nil, "`ORIGIN` whose pages may ask by HTTP; may be repeated")
	flags.Var((*values.Size)(&h.Files), "http-files", "bytes at most of Parquet files kept in TMPDIR for who reads them in parts (default: 1GiB)")
	flags.Lookup("http-files").Hidden = true
}
