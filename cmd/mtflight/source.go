package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/query"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/values"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// source is where datasets come from: files on this machine's disk, or a server. Used by one goroutine.
type source interface {
	// list visits the datasets and frames of a file, or of all below a directory, with those that cannot be read.
	list(ctx context.Context, what listing, visit func(listed) error) error
	// tree is what a file holds, as the action list gives it without frames.
	tree(ctx context.Context, file string) (*reader.Tree, error)
	// describe tells everything known of a dataset, as the action of the same name does.
	describe(ctx context.Context, file, dataset string) (json.RawMessage, error)
	// attributes are those of an object whole, by name, as the action of the same name gives them; none named: all.
	attributes(ctx context.Context, file, object string, names []string) (json.RawMessage, error)
	// stats visits the answers of the action of the same name.
	stats(ctx context.Context, of survey, visit func(json.RawMessage) error) error
	// explain tells how a request would be answered, as the action of the same name does.
	explain(ctx context.Context, r reader.Request) (json.RawMessage, error)
	// open starts a request. The caller releases what it gives.
	open(ctx context.Context, r reader.Request) (*stream, error)
	close() error
}

// listing is what to list.
type listing struct {
	file   string       // a directory too, or a server's files by a glob; "": all of them
	frames *frameBudget // for all that is listed
	tables bool         // of columns, too
	whole  bool         // everything that is known but for Arrow's types, which a server does not tell at once
}

// survey is what to tell statistics of.
type survey struct {
	file, dataset string
	fields        []string // nil: all
	chunks        bool
}

// listed is a dataset or frame, or a file that cannot be read: then only File and Error are set.
type listed struct {
	File  string `json:"file"`
	Error string `json:"error,omitempty"`
	*reader.Info
	columns []column // with Arrow's types; nil: not known
}

type column struct{ Name, Type string }

func columnsOf(schema *arrow.Schema) []column {
	if schema == nil {
		return nil
	}
	columns := []column{}
	for _, f := range schema.Fields() {
		columns = append(columns, column{f.Name, f.Type.String()})
	}
	return columns
}

// stream is the batches of a request, and how many rows they have: -1 where that is not known before the end.
type stream struct {
	array.RecordReader
	rows int64
}

// engineFlags are the choices of a local engine as flags.
func engineFlags(c *cobra.Command, e *reader.Config) {
	c.Flags().Var((*values.Count)(&e.Workers), "workers", "decoding goroutines (default: one more than CPUs)")
	c.Flags().Var((*values.Budget)(&e.Memory), "memory", "budget of all buffers and caches (default: a quarter of the machine's or container's memory)")
	c.Flags().Var((*values.Room)(&e.Cache), "cache", "part of --memory for columns that were decoded, until others need it; 0: none (default: a quarter, of commands that read once none)")
	c.Flags().Var(values.BlockCache{Config: e}, "block-cache", "keeps what stores sent (default: none)")
	c.Flags().StringVar(&e.IndexDir, "index-dir", "", "`DIRECTORY` of this user's that keeps where chunks lie and what is learned of their values (default: memory alone)")
	c.Flags().StringVar(&e.StatsDir, "stats-dir", "", "former name of --index-dir")
	c.Flags().Lookup("stats-dir").Hidden = true
	c.Flags().Var((*values.Unless)(&e.NoWitness), "witness", "on: what would be refused libhdf5 is asked about, in a helper process; off: it never is")
	completeWith(c, "witness", "on", "off")
	c.Flags().Var(values.Plugins{Config: e}, "plugins", "on: plug-ins of HDF5_PLUGIN_PATH undo filters; off: none; or the SHA-256 of those that may, with commas")
	completeWith(c, "plugins", "on", "off")
}

// sourceFlags are the choices of a source, wherever it is.
type sourceFlags struct {
	engine reader.Config
	remote remoteFlags
}

func (f *sourceFlags) add(c *cobra.Command) {
	engineFlags(c, &f.engine)
	f.remote.add(c)
}

// querySource gives a command the flags of a source.
func querySource(c *cobra.Command) query.Source {
	var f sourceFlags
	f.add(c)
	return query.Source{Engine: &f.engine, Dial: f.remote.options}
}

// place splits arguments into a server's location, empty for this machine, and the rest: names, which a server takes spelled.
func place(args []string) (location string, rest []string) {
	if args = apart(args); len(args) > 0 && isLocation(args[0]) {
		location, rest = args[0], slices.Clone(args[1:])
		for i, name := range rest {
			rest[i] = spell.Escape(spell.Unescape(name))
		}
		return location, rest
	}
	return "", args
}

// apart splits a file behind a host from the location, as in grpc://HOST:PORT/run7.h5.
func apart(args []string) []string {
	if len(args) == 0 || !isLocation(args[0]) || strings.HasPrefix(args[0], "grpc+unix:") {
		return args
	}
	scheme, rest, _ := strings.Cut(args[0], "://")
	host, file, _ := strings.Cut(rest, "/")
	split := []string{scheme + "://" + host, file}
	if file == "" {
		split = split[:1]
	}
	return append(split, args[1:]...)
}

func isLocation(arg string) bool { return strings.Contains(arg, "://") && !objectstore.Is(arg) }

// placed accepts a server's location or nothing, then low to high arguments, where the server needs but `remote`.
func placed(remote, low, high int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if args = apart(args); len(args) > 0 && isLocation(args[0]) {
			return between(remote+1, high+1)(c, args)
		}
		return between(low, high)(c, args)
	}
}

// at runs do with the source that the arguments name, and what they name there.
func at(c *cobra.Command, args []string, from sourceFlags, do func(s source, rest []string) error) error {
	location, rest := place(args)
	s, err := openSource(c.Context(), location, from)
	if err != nil {
		return err
	}
	defer s.close()
	return do(s, rest)
}

func openSource(ctx context.Context, location string, from sourceFlags) (source, error) {
	if location != "" {
		return dial(ctx, location, from.remote)
	}
	if from.engine.Cache == 0 { // one question is asked: kept columns would take fresh memory for each batch
		from.engine.Cache = -1
	}
	return newLocal(from.engine)
}
