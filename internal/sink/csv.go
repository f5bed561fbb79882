package sink

import (
	"bytes"
	"io"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/cells"
)

// csvSink writes lines that pandas, pyarrow, DuckDB and Polars read alike: nothing for a null and "" for an empty text,
// times in ISO 8601, numbers to their last bit, nested values as JSON, binary ones as base64, durations with their unit.
type csvSink struct {
	w     io.Writer
	lines []byte
}

const csvBlock = 64 << 10

func newCSVSink(w io.Writer, schema *arrow.Schema) *csvSink {
	s := &csvSink{w: w}
	for i, f := range schema.Fields() {
		s.next(i)
		s.lines = append(s.lines, f.Name...)
		s.quote(len(s.lines)-len(f.Name), false)
	}
	s.lines = append(s.lines, '\n')
	return s
}

// next parts a field from the one before it.
func (s *csvSink) next(column int) {
	if column > 0 {
		s.lines = append(s.lines, ',')
	}
}

// quote puts what was written from start on in quotes if a reader would not take it for one field. An empty line would
// be passed over: a null that is alone in its row is quoted too.
func (s *csvSink) quote(start int, bare bool) {
	field := s.lines[start:]
	if len(field) > 0 && field[0] != ' ' && !bytes.ContainsAny(field, "\",\r\n") || len(field) == 0 && bare {
		return
	}
	quoted := append([]byte{'"'}, bytes.ReplaceAll(field, []byte{'"'}, []byte(`""`))...)
	s.lines = append(append(s.lines[:start], quoted...), '"')
}

// Write adds the rows of a batch.
func (s *csvSink) Write(r arrow.Record) error {
	columns := r.Columns()
	for i := range int(r.NumRows()) {
		for c, column := range columns {
			s.next(c)
			start := len(s.lines)
			s.lines = cells.Whole.Append(s.lines, column, i)
			s.quote(start, column.IsNull(i) && len(columns) > 1)
		}
		s.lines = append(s.lines, '\n')
		if len(s.lines) >= csvBlock {
			if err := s.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close writes what is left.
func (s *csvSink) Close() error {
	_, err := s.w.Write(s.lines)
	s.lines = s.lines[:0]
	return err
}
