// Package output is where get and sql write: FormatOf chooses a format, a Target is the file that the rows go to, Save writes them by package sink.
package output

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/parquet"
)

// Formats are those of --format; Table is not written by this package.
var Formats = []string{Table, "arrow", "arrows", "parquet", "csv", "json", "jsonl", "npy", "none"}

// Table is the format for people.
const Table = "table"

// FormatOf chooses by --format, else by the output's ending, else a table.
func FormatOf(format, output string) (string, error) {
	if format == "" && (output == "" || output == "-") {
		return Table, nil
	}
	if format == "" {
		if format = strings.TrimPrefix(filepath.Ext(output), "."); !slices.Contains(Formats, format) {
			return "", fault.New(fault.Invalid, "write %s: its ending names no format: end it in .arrow, .arrows, .parquet, .csv, .json, .jsonl or .npy, or give --format", output)
		}
	}
	if !slices.Contains(Formats, format) {
		return "", fault.New(fault.Invalid, "unknown format %q: choose --format among %s", format, strings.Join(Formats, ", "))
	}
	return format, nil
}

// CheckCodec refuses a compression that a format does not have.
func CheckCodec(format, codec string) error {
	switch {
	case codec == "" || format == "parquet" && slices.Contains(parquet.Codecs, codec):
		return nil
	case format == "parquet":
		return fault.New(fault.Invalid, "unknown compression %q: choose --compression among %s", codec, strings.Join(parquet.Codecs, ", "))
	}
	return fault.New(fault.Invalid, "%s is not compressed: leave out --compression, or write .parquet", format)
}
