package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/output"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/parquet"
	"github.com/mtflight/mtflight/internal/sink"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

type getFlags struct {
	requestFlags
	output string
	format string
	codec  string
}

// requestFlags say what is asked, and of which source.
type requestFlags struct {
	source  sourceFlags
	request reader.Request
}

func newGet() *cobra.Command {
	var f getFlags
	c := &cobra.Command{
		Use:   "get [grpc://HOST:PORT] FILE [DATASET]",
		Short: "Read rows of a dataset, to the terminal or into a file",
		Long: `Read rows of a dataset: to the terminal the first ones as a table, of an array of several axes its corners; into a file all
of them. The file's ending chooses the format: .arrow (IPC file), .arrows (IPC stream), .parquet, .csv, .json (an array of
objects), .jsonl (an object a line), .npy (NumPy). The file gets its name when it is whole; one that had the name stays until then.
DATASET may be left out where a file has one. FILE may be a pattern, 'runs/2024-*/events.h5', quoted: all that match are one table.

Parquet and CSV get plain types as with --plain, unless --plain=false is given: pyarrow then reads Arrow's own types
back from Parquet. CSV: nothing for a null, times in ISO 8601 (in UTC where there is a zone), durations with their unit,
binary values as base64, lists as JSON. JSON has the same texts, and null for NaN and infinite numbers, which it does not know. NumPy gets
numbers, times and structs of them, enumerations as integers; texts and lists of various lengths have no place in .npy.

--format none reads everything, writes nothing and tells the rate.`,
		Example: `  mtflight get run7.h5 /events --fields t,energy --stop 10
  mtflight get run7.h5 /image --select '0, 100:200, ::10'
  mtflight get run7.h5 /events -o events.parquet
  mtflight get 'runs/*.h5' /events --file-column file -o all.parquet
  mtflight get grpc://127.0.0.1:8815 run7.h5 /events --format csv | head`,
		Args:              placed(1, 1, 2),
		ValidArgsFunction: completeObjects,
		RunE: func(c *cobra.Command, args []string) error {
			return get(c, args, f)
		},
	}
	f.add(c)
	return c
}

func (f *getFlags) add(c *cobra.Command) {
	f.requestFlags.add(c)
	c.Flags().StringVarP(&f.output, "output", "o", "", "file to write (default: standard output)")
	c.Flags().StringVar(&f.format, "format", "", strings.Join(output.Formats[:len(output.Formats)-1], ", ")+" or none (default: by the file's ending)")
	c.Flags().StringVar(&f.codec, "compression", "", "of Parquet: "+strings.Join(parquet.Codecs, ", ")+" (default: snappy)")
	completeWith(c, "format", output.Formats...)
	completeWith(c, "compression", parquet.Codecs...)
}

// from runs do with the source that the arguments name, once they and it have told which dataset is meant.
func (f *requestFlags) from(c *cobra.Command, args []string, do func(s source) error) error {
	return at(c, args, f.source, func(s source, rest []string) (err error) {
		if f.request.File, f.request.Dataset, err = named(c.Context(), s, rest); err != nil {
			return err
		}
		return do(s)
	})
}

func (f *requestFlags) add(c *cobra.Command) {
	r, flags := &f.request, c.Flags()
	flags.Var(columns{&r.Fields}, "fields", "columns, in this order (default: all); one with a comma, a quote or a line break is quoted as in CSV: 'id,\"a, b\"'")
	flags.Var(optional{&r.Start}, "start", "first row; negative counts from the end")
	flags.Var(optional{&r.Stop}, "stop", "row to stop before")
	flags.Var(optional{&r.Step}, "step", "every n-th row; negative reverses")
	flags.Var(optionalText{&r.Select, "INDEX"}, "select", "NumPy index of an array: \"30:35, ..., :100\"")
	flags.Int64Var(&r.Offset, "offset", 0, "so many rows of the result are passed over")
	flags.Var(optional{&r.Limit}, "limit", "at most so many rows (a table on the terminal: 20)")
	flags.Var(optionalText{&r.Where, "CONDITION"}, "where", "only rows that meet a condition: \"(energy > 2) & (name == b'mu')\"")
	flags.StringVar(&r.SortBy, "sort-by", "", "in the order of a column")
	flags.StringVar(&r.Index, "index", "", "column indexes and statistics for --where: auto, off or only")
	flags.Int64Var(&r.BatchRows, "batch-rows", 0, "rows of a batch (default: whole chunks)")
	flags.StringVar(&r.Options.Strings, "strings", "", "utf8 or binary")
	flags.StringVar(&r.Options.Enum, "enum", "", "dictionary or int")
	flags.StringVar(&r.Options.Time, "time", "", "timestamp or numeric")
	flags.StringVar(&r.Options.Tensors, "tensors", "", "tensor or nested")
	flags.BoolVar(&r.Options.Plain, "plain", false, "only types that every engine reads")
	flags.BoolVar(&r.Options.NetCDF, "netcdf", false, "missing values (_FillValue, missing_value) are null; attributes go into the schema")
	flags.StringVar(&r.Options.FileColumn, "file-column", "", "of several files: a column of this `NAME` has the files' names")
	flags.BoolVar(&r.Options.Partitions, "partitions", false, "of several files: columns of the folders KEY=VALUE that they are in")
	flags.StringVar(&r.Options.Schema, "schema", "", "of several files: unify, or strict, which refuses types that differ")
	flags.StringVar(&r.Options.OnError, "on-error", "", "of several files: error, or skip, which leaves out what cannot be read and says so")
	f.source.add(c)
	completeRequest(c)
}

// columns is a flag of names, like a line of CSV.
type columns struct{ to *[]string }

func (c columns) Set(text string) error {
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(lines) > 1 {
		return errors.New(`quote a name with a comma, a quote or a line break as in CSV: "a, b" or "say ""a"""`)
	}
	*c.to = append([]string{}, *c.to...) // not nil any more, which means all
	for _, line := range lines {
		*c.to = append(*c.to, line...)
	}
	return nil
}

func (c columns) String() string { return "" }

func (c columns) Type() string { return "NAME,.." }

// optional is a flag that can tell that it was not given.
type optional struct{ to **int64 }

func (o optional) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not an integer", text)
	}
	*o.to = &n
	return nil
}

func (o optional) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return strconv.FormatInt(**o.to, 10)
}

func (o optional) Type() string { return "N" }

// optionalText is a flag of words that can tell that it was not given.
type optionalText struct {
	to   **string
	kind string // what help calls the value
}

func (o optionalText) Set(text string) error {
	*o.to = &text
	return nil
}

func (o optionalText) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return **o.to
}

func (o optionalText) Type() string { return o.kind }

func get(c *cobra.Command, args []string, f getFlags) (err error) {
	if f.format, err = output.FormatOf(f.format, f.output); err != nil {
		return err
	}
	if err := output.CheckCodec(f.format, f.codec); err != nil {
		return err
	}
	return f.from(c, args, func(s source) error { return getFrom(c, s, f) })
}

func getFrom(c *cobra.Command, s source, f getFlags) error {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	request := sink.Prepare(f.format, f.request, c.Flags().Changed("plain"))
	rows, err := s.open(ctx, request)
	if err != nil {
		return err
	}
	defer rows.Release()
	tellSkipped(c, rows.Schema())
	if f.format == output.Table {
		return show(c, s, rows, request, f.output)
	}
	return output.Save(c, rows, rows.rows, output.Where{Format: f.format, Name: f.output, Codec: f.codec})
}

// tellSkipped names the files that --on-error skip left out.
func tellSkipped(c *cobra.Command, of *arrow.Schema) {
	text, _ := of.Metadata().GetValue(protocol.SkippedKey)
	for _, one := range protocol.ParseSkipped(text) {
		_, _ = fmt.Fprintf(c.ErrOrStderr(), "left out: %s: %s\n", terminal.Printable(one.File), terminal.Printable(one.Reason)) // standard error may be closed
	}
}
