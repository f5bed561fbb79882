// Package preview shows the rows of a request to people: a Table its first ones, a Matrix the corners of an array of several
// axes. Both are Sinks of package output; records stay the caller's.
package preview

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/cells"
)

// Rows is how many rows a table shows if not told otherwise.
const Rows = 20

const (
	widestCell   = 40
	defaultWidth = 100 // where there is no terminal
)

// brief shows a float64 in as many digits as a person compares; files get all of them.
var brief = cells.Style{Digits: 8, Most: widestCell / 2}

// Table holds the rows and lays them out at the end, when the widths are known.
type Table struct {
	w      io.Writer
	screen terminal.Screen
	total  int64 // rows there are, -1 if unknown
	grid   terminal.Grid
	most   int64  // rows that are held, 0: all
	others string // how to see those beyond
	beyond bool   // there are some
}

// NewTable shows on a screen of total rows, -1 if that is unknown, those that it is given.
func NewTable(w io.Writer, screen terminal.Screen, schema *arrow.Schema, total int64) *Table {
	t := &Table{w: w, screen: screen, total: total}
	if t.screen.Width == 0 {
		t.screen.Width = defaultWidth
	}
	for _, f := range schema.Fields() {
		_, number := f.Type.(arrow.FixedWidthDataType)
		t.grid.Columns = append(t.grid.Columns, terminal.Column{Head: terminal.Elide(terminal.Printable(f.Name), widestCell), Right: number && !cells.Nested(f.Type)})
	}
	return t
}

// Write adds the rows of a batch.
func (t *Table) Write(r arrow.Record) error {
	for i := range int(r.NumRows()) {
		if t.most > 0 && int64(len(t.grid.Rows)) == t.most {
			t.beyond = true
			return nil
		}
		row := make([]string, len(t.grid.Columns))
		for c := range row {
			row[c] = terminal.Elide(terminal.Printable(brief.Text(r.Column(c), i)), widestCell)
		}
		t.grid.Rows = append(t.grid.Rows, row)
	}
	return nil
}

// Most bounds the rows that are shown; others says how to see those beyond.
func (t *Table) Most(rows int64, others string) { t.most, t.others = rows, others }

// Close shows the rows, of as many columns as there is room for, and says how many there are.
func (t *Table) Close() error {
	columns := len(t.grid.Columns)
	shown := t.grid.Fit(t.screen)
	_, err := io.WriteString(t.w, t.grid.Write(t.screen)+t.summary(shown, columns))
	return err
}

func (t *Table) summary(shown, columns int) string {
	rows := int64(len(t.grid.Rows))
	text := fmt.Sprintf("%d rows", rows)
	if t.total > rows {
		text = fmt.Sprintf("first %d of %d rows", rows, t.total)
	}
	if t.beyond {
		text = fmt.Sprintf("first %d rows (%s)", rows, t.others)
	}
	text += fmt.Sprintf(", %d columns", columns)
	if shown < columns {
		text += fmt.Sprintf(" (%d shown; choose with --fields)", shown)
	}
	return t.screen.Paint(terminal.Faint, text) + "\n"
}
