package sink

import (
	"io"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/cells"
)

// jsonSink writes an object a row: each on a line of its own, or all of them as one array. Numbers are written to their last
// bit; what JSON has not is null for NaN and infinite numbers, ISO 8601 for times and base64 for binary values.
type jsonSink struct {
	w     io.Writer
	names [][]byte // quoted, with the colon
	array bool
	lines []byte
	rows  int64
}

func newJSONSink(w io.Writer, schema *arrow.Schema, array bool) *jsonSink {
	s := &jsonSink{w: w, array: array}
	for _, f := range schema.Fields() {
		s.names = append(s.names, append(cells.Quote(nil, f.Name), ": "...))
	}
	return s
}

// Write adds the rows of a batch.
func (s *jsonSink) Write(r arrow.Record) error {
	columns := r.Columns()
	for i := range int(r.NumRows()) {
		s.part()
		s.lines = append(s.lines, '{')
		for c, column := range columns {
			if c > 0 {
				s.lines = append(s.lines, ", "...)
			}
			s.lines = cells.JSON.AppendJSON(append(s.lines, s.names[c]...), column, i)
		}
		s.lines = append(s.lines, '}')
		if len(s.lines) >= csvBlock {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// part ends the line of the row before, if there is one.
func (s *jsonSink) part() {
	switch {
	case s.array && s.rows == 0:
		s.lines = append(s.lines, "[\n"...)
	case s.array:
		s.lines = append(s.lines, ",\n"...)
	case s.rows > 0:
		s.lines = append(s.lines, '\n')
	}
	s.rows++
}

// Close writes what is left.
func (s *jsonSink) Close() error {
	switch {
	case s.array && s.rows == 0:
		s.lines = append(s.lines, "[]\n"...)
	case s.array:
		s.lines = append(s.lines, "\n]\n"...)
	case s.rows > 0:
		s.lines = append(s.lines, '\n')
	}
	return s.flush()
}

func (s *jsonSink) flush() error {
	_, err := s.w.Write(s.lines)
	s.lines = s.lines[:0]
	return err
}
