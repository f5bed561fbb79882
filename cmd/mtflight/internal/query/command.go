// Package query is the command sql: a statement, those of a file or pipe, or a prompt for them. Command is all there is to know. A server is
// asked, one of this process for files of this machine, so that a statement gives the same rows wherever they are.
package query

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"google.golang.org/grpc"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/find"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/output"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/own"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/preview"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/parquet"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// Source is where rows come from: how local files are read, and how a server is called.
type Source struct {
	Engine *reader.Config
	Dial   func() ([]grpc.DialOption, error)
}

type flags struct {
	source Source
	engine string // the program
	to     output.Where
	rows   int64 // of a table, 0: all
}

// Command is sql. add gives it the flags of its source.
func Command(add func(*cobra.Command) Source) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "sql [STATEMENT] FILE|FOLDER|LOCATION",
		Short: "Ask files or a server in SQL",
		Long: `Ask files or a server in SQL: to the terminal the first rows as a table, into a file all of them, in the formats of get.

A file is a schema, a dataset or data frame a table: "run7.h5"."/events"; of a single file "/events" or events is enough. The language is
DuckDB's, of which SELECT and EXPLAIN are taken; a statement reads only the columns and chunks that it needs. It is carried out by the
program mtflight-sql, which is looked for beside this one; --sql says where else.

Without STATEMENT they are read from standard input, each up to its ';'; on a terminal there is a prompt for them, which completes
tables, columns and words of SQL (Tab), goes back in what was asked before (arrows up and down), and ends on Ctrl-D.`,
		Example: `  mtflight sql 'select kind, count(*), avg(energy) from events where energy > 2 group by kind' run7.h5
  mtflight sql 'select * from "2024/run7.h5"."/events" order by t' /data -o events.parquet
  mtflight sql 'from "run7.h5"."/events" limit 5' grpc://127.0.0.1:8815 --format csv
  mtflight sql run7.h5 < questions.sql`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return fault.New(fault.Invalid, "wrong number of arguments (%d): write `%s`, with the statement in quotes", len(args), c.UseLine())
			}
			return nil
		},
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE:              func(c *cobra.Command, args []string) error { return run(c, args, f) },
	}
	c.Flags().StringVarP(&f.to.Name, "output", "o", "", "file to write (default: standard output)")
	c.Flags().StringVar(&f.to.Format, "format", "", strings.Join(output.Formats[:len(output.Formats)-1], ", ")+" or none (default: by the file's ending)")
	c.Flags().StringVar(&f.to.Codec, "compression", "", "of Parquet: "+strings.Join(parquet.Codecs, ", ")+" (default: snappy)")
	c.Flags().Int64Var(&f.rows, "rows", preview.Rows, "of a table at most so many rows; 0: all")
	c.Flags().StringVar(&f.engine, "sql", "", "`PATH` of mtflight-sql for local files (default: beside this program)")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(output.Formats, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("compression", cobra.FixedCompletions(parquet.Codecs, cobra.ShellCompDirectiveNoFileComp))
	f.source = add(c)
	return c
}

func run(c *cobra.Command, args []string, f flags) (err error) {
	if f.to.Format, err = output.FormatOf(f.to.Format, f.to.Name); err != nil {
		return err
	}
	if err := output.CheckCodec(f.to.Format, f.to.Codec); err != nil {
		return err
	}
	return f.at(c.Context(), args[len(args)-1], func(server *client.Client) error {
		s := session{command: c, server: server, to: f.to, rows: f.rows}
		if len(args) == 2 {
			return s.ask(args[0])
		}
		if in, ok := c.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) && terminal.Of(c.OutOrStdout()).Terminal {
			return s.prompt(in)
		}
		return s.all(c.InOrStdin())
	})
}

// dialTime bounds what a server takes to answer for the first time.
const dialTime = 5 * time.Second

// at runs do with the server of a place: a location's, or one of this process for files.
func (f flags) at(ctx context.Context, place string, do func(*client.Client) error) error {
	options, location := []grpc.DialOption(nil), place
	if strings.Contains(place, "://") && !objectstore.Is(place) {
		var err error
		if options, err = f.source.Dial(); err != nil {
			return err
		}
	} else {
		place, err := found(place)
		if err != nil {
			return err
		}
		server, err := own.Serve(ctx, place, *f.source.Engine, f.engine)
		if err != nil {
			return err
		}
		defer server.End()
		location = server.Location
	}
	dialing, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	server, err := client.Open(dialing, location, options...)
	if err != nil {
		return err
	}
	defer server.Close()
	return do(server)
}

// found is a place that is there, with all of its name.
func found(place string) (string, error) {
	if objectstore.Is(place) {
		return place, nil
	}
	at := find.OnDisk(place)
	if _, err := os.Stat(at); err != nil {
		return "", fault.New(fault.NotFound, "%s: no such file or folder: write `mtflight sql STATEMENT FILE`, the statement in quotes (a server's location starts with grpc://)", spell.Escape(place))
	}
	return filepath.Abs(at)
}

// session asks one server.
type session struct {
	command *cobra.Command
	server  *client.Client
	to      output.Where
	rows    int64
}

// ask carries out a statement.
func (s session) ask(statement string) error { return s.askWith(s.command.Context(), statement) }

func (s session) askWith(ctx context.Context, statement string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.server.Query(ctx, statement)
	if err != nil {
		return err
	}
	defer rows.Release()
	if s.to.Format == output.Table {
		return s.table(rows)
	}
	return output.Save(s.command, rows, rows.Total(), s.to)
}

// table shows the first rows. What EXPLAIN says is many lines in one value, which are shown as they are.
func (s session) table(rows *client.Rows) (err error) {
	out, err := output.Open(s.to.Name, s.command.OutOrStdout())
	if err != nil {
		return err
	}
	defer func() { err = out.Finish(err) }()
	if isPlan(rows.Schema()) {
		return plans(out, rows)
	}
	screen := terminal.Screen{}
	if s.to.Name == "" || s.to.Name == "-" {
		screen = terminal.Of(s.command.OutOrStdout())
	}
	t, most := preview.NewTable(out, screen, rows.Schema(), -1), int64(-1)
	if s.rows > 0 {
		t.Most(s.rows, "--rows 0 shows all")
		most = s.rows + 1
	}
	if err := output.Copy(t, rows, most, output.NewProgress(io.Discard, false, -1)); err != nil {
		return err
	}
	return t.Close()
}
