package query

import (
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
)

// isPlan tells whether rows are those of EXPLAIN.
func isPlan(s *arrow.Schema) bool {
	return s.NumFields() == 2 && s.Field(0).Name == "explain_key" && s.Field(1).Name == "explain_value"
}

// plans writes each plan below its name.
func plans(out io.Writer, rows array.RecordReader) error {
	for rows.Next() {
		keys, isText := rows.Record().Column(0).(*array.String)
		values, areTexts := rows.Record().Column(1).(*array.String)
		if !isText || !areTexts {
			return fmt.Errorf("what EXPLAIN says is %v", rows.Schema())
		}
		for i := range keys.Len() {
			if err := plan(out, keys.Value(i), values.Value(i)); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

func plan(out io.Writer, name, text string) error {
	lines := []string{terminal.Printable(name) + ":"}
	for line := range strings.Lines(text) {
		lines = append(lines, terminal.Printable(strings.TrimRight(line, "\r\n")))
	}
	_, err := io.WriteString(out, strings.Join(lines, "\n")+"\n")
	return err
}
