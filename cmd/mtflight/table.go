package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"golang.org/x/term"
)

// shownRows is how many rows a terminal gets if not told otherwise.
const shownRows = 20

const (
	widestCell   = 40
	defaultWidth = 100
	columnGap    = "  "
)

// brief shows a float64 in as many digits as a person compares; files get all of them.
var brief = cells{digits: 8, most: widestCell / 2}

// tableSink holds the rows and lays them out at the end, when the widths are known.
type tableSink struct {
	w     io.Writer
	width int
	total int64 // rows there are, -1 if unknown
	rows  int64
	cols  []tableColumn
}

type tableColumn struct {
	cells []string // the first is the name
	right bool
}

func newTableSink(w io.Writer, schema *arrow.Schema, total int64) *tableSink {
	t := &tableSink{w: w, width: widthOf(w), total: total}
	for _, f := range schema.Fields() {
		_, number := f.Type.(arrow.FixedWidthDataType)
		t.cols = append(t.cols, tableColumn{cells: []string{elide(printable(f.Name), widestCell)}, right: number && !isNested(f.Type)})
	}
	return t
}

// widthOf is the terminal's, where the writer is one.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWidth
}

func (t *tableSink) write(r arrow.Record) error {
	for c := range t.cols {
		for i := range int(r.NumRows()) {
			text := brief.text(r.Column(c), i)
			t.cols[c].cells = append(t.cols[c].cells, elide(printable(text), widestCell))
		}
	}
	t.rows += r.NumRows()
	return nil
}

func (t *tableSink) close() error {
	shown, widths := t.fit()
	var text strings.Builder
	for row := range t.rows + 1 {
		var line strings.Builder
		for c, col := range t.cols[:shown] {
			line.WriteString(padded(elide(col.cells[row], widths[c]), widths[c], col.right))
			line.WriteString(columnGap)
		}
		if shown < len(t.cols) {
			line.WriteString("…")
		}
		text.WriteString(strings.TrimRight(line.String(), " "))
		text.WriteByte('\n')
	}
	text.WriteString(t.summary(shown))
	_, err := io.WriteString(t.w, text.String())
	return err
}

// fit says how many columns the width has room for, and how wide each is. The first is always shown.
func (t *tableSink) fit() (shown int, widths []int) {
	left := t.width - len("…")
	for _, col := range t.cols {
		width := 0
		for _, cell := range col.cells {
			width = max(width, utf8.RuneCountInString(cell))
		}
		if shown > 0 && width+len(columnGap) > left {
			break
		}
		width = min(width, max(left, 1))
		widths = append(widths, width)
		left -= width + len(columnGap)
		shown++
	}
	return shown, widths
}

func (t *tableSink) summary(shown int) string {
	text := fmt.Sprintf("%d rows", t.rows)
	if t.total > t.rows {
		text = fmt.Sprintf("first %d of %d rows", t.rows, t.total)
	}
	text += fmt.Sprintf(", %d columns", len(t.cols))
	if shown < len(t.cols) {
		text += fmt.Sprintf(" (%d shown; choose with --fields)", shown)
	}
	return text + "\n"
}
