package preview

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
)

// Matrix shows the corners of an array of two axes or more: its first and last rows, and of each the values at both ends. Of
// more axes it shows the first and the last matrix of the last two.
type Matrix struct {
	w      io.Writer
	screen terminal.Screen
	shape  []int64
	leaf   arrow.DataType
	next   int64 // the row that the next batch starts with
	rows   []matrixRow
}

type matrixRow struct {
	index  []int64 // on all axes but the last
	values []string
}

const (
	edgeRows  = 5  // at both ends
	edgeCells = 24 // at both ends, before it is known how many there is room for
)

// NewMatrix shows total rows of an array on a screen; nil if they are not known or no array of several axes.
func NewMatrix(w io.Writer, screen terminal.Screen, schema *arrow.Schema, total int64) *Matrix {
	if schema.NumFields() != 1 || total < 1 {
		return nil
	}
	m := &Matrix{w: w, screen: screen, shape: []int64{total}, leaf: schema.Field(0).Type}
	for {
		list, is := m.leaf.(*arrow.FixedSizeListType)
		if !is {
			break
		}
		if list.Len() == 0 {
			return nil
		}
		m.shape, m.leaf = append(m.shape, int64(list.Len())), list.Elem()
	}
	if len(m.shape) < 2 {
		return nil
	}
	if m.screen.Width == 0 {
		m.screen.Width = defaultWidth
	}
	return m
}

// Ends are how many rows it wants from the start, and from which on to the end; none of these where head is all.
func (m *Matrix) Ends() (head, tail int64) {
	edge := int64(edgeRows)
	if len(m.shape) > 2 {
		edge = 1
	}
	if m.shape[0] <= 2*edge {
		return m.shape[0], m.shape[0]
	}
	return edge, m.shape[0] - edge
}

// From says which row the next batch starts with.
func (m *Matrix) From(row int64) { m.next = row }

// Write adds the rows of a batch.
func (m *Matrix) Write(r arrow.Record) error {
	for i := range int(r.NumRows()) {
		m.add(r.Column(0), int64(i), []int64{m.next})
		m.next++
	}
	return nil
}

// add takes the value at a place of an array apart into rows, all but those in the middle of an axis.
func (m *Matrix) add(a arrow.Array, at int64, index []int64) {
	list := a.(*array.FixedSizeList)
	n := m.shape[len(index)]
	start := (int64(list.Data().Offset()) + at) * n
	if len(index) == len(m.shape)-1 {
		m.rows = append(m.rows, matrixRow{index, values(list.ListValues(), start, n)})
		return
	}
	for j := range n {
		if m.shows(append(index, j)) {
			m.add(list.ListValues(), start+j, append(index[:len(index):len(index)], j))
		}
	}
}

// shows tells whether rows below an index are among those to show: on the axis before the last those at its ends, on those
// before it the first of all and the last of all.
func (m *Matrix) shows(index []int64) bool {
	axis := len(index) - 1
	if n := m.shape[axis]; axis == len(m.shape)-2 {
		return index[axis] < edgeRows || index[axis] >= n-edgeRows
	}
	first, last := true, true
	for i, j := range index {
		first, last = first && j == 0, last && j == m.shape[i]-1
	}
	return first || last
}

// values are the texts at both ends of n values.
func values(a arrow.Array, start, n int64) (texts []string) {
	for j := int64(0); j < n; j++ {
		if j == edgeCells {
			j = max(j, n-edgeCells)
		}
		texts = append(texts, terminal.Elide(terminal.Printable(brief.Text(a, int(start+j))), widestCell))
	}
	return texts
}

// Close shows the matrices and says what they are of.
func (m *Matrix) Close() error {
	var text strings.Builder
	for len(m.rows) > 0 {
		n := 1
		for n < len(m.rows) && m.together(m.rows[0], m.rows[n]) {
			n++
		}
		if leading := m.rows[0].index[:len(m.shape)-2]; len(leading) > 0 {
			text.WriteString(m.screen.Paint(terminal.Head, placeText(leading)) + "\n")
		}
		text.WriteString(m.block(m.rows[:n]))
		m.rows = m.rows[n:]
	}
	text.WriteString(m.screen.Paint(terminal.Faint, m.summary()) + "\n")
	_, err := io.WriteString(m.w, text.String())
	return err
}

func (m *Matrix) together(a, b matrixRow) bool {
	for i := range len(m.shape) - 2 {
		if a.index[i] != b.index[i] {
			return false
		}
	}
	return true
}

func placeText(leading []int64) string {
	parts := make([]string, 0, len(leading)+2)
	for _, i := range leading {
		parts = append(parts, strconv.FormatInt(i, 10))
	}
	return "[" + strings.Join(append(parts, ":", ":"), ", ") + "]"
}

// block lays one matrix out, with a line and a column of ellipses where something is left out.
func (m *Matrix) block(rows []matrixRow) string {
	last, axis := m.shape[len(m.shape)-1], len(m.shape)-2
	g := terminal.Grid{Columns: []terminal.Column{{Right: true, Style: terminal.Faint}}, Styles: map[int]terminal.Style{}}
	left, right := m.fit(rows)
	for _, j := range m.chosen(left, right) {
		head := "…"
		if j >= 0 {
			head = strconv.FormatInt(j, 10)
		}
		g.Columns = append(g.Columns, terminal.Column{Head: head, Right: true})
	}
	before := rows[0].index[axis]
	for _, row := range rows {
		if row.index[axis] > before+1 {
			g.Styles[len(g.Rows)] = terminal.Faint
			g.Rows = append(g.Rows, ellipses(len(g.Columns)))
		}
		before = row.index[axis]
		cells := []string{strconv.FormatInt(before, 10)}
		for _, j := range m.chosen(left, right) {
			cells = append(cells, row.at(j, last))
		}
		g.Rows = append(g.Rows, cells)
	}
	return g.Write(m.screen)
}

func ellipses(n int) []string {
	row := make([]string, n)
	for i := range row {
		row[i] = "…"
	}
	return row
}

// at is the value of an index, an ellipsis for -1.
func (r matrixRow) at(j, length int64) string {
	switch {
	case j < 0:
		return "…"
	case j < edgeCells:
		return r.values[j]
	}
	return r.values[int64(len(r.values))-(length-j)]
}

// chosen are the indexes of the left and the right columns, -1 between them where some are left out.
func (m *Matrix) chosen(left, right int64) (indexes []int64) {
	last := m.shape[len(m.shape)-1]
	for j := range left {
		indexes = append(indexes, j)
	}
	if left+right < last {
		indexes = append(indexes, -1)
	}
	for j := last - right; j < last; j++ {
		indexes = append(indexes, j)
	}
	return indexes
}

// fit says how many columns at both ends there is room for; at least the first.
func (m *Matrix) fit(rows []matrixRow) (left, right int64) {
	last := m.shape[len(m.shape)-1]
	label := terminal.Width(strconv.FormatInt(rows[len(rows)-1].index[len(m.shape)-2], 10))
	room := m.screen.Width - label - len(terminal.Gap) - 1
	for left+right < min(last, 2*edgeCells) {
		j := left
		if left > right {
			j = last - 1 - right
		}
		width := terminal.Width(strconv.FormatInt(j, 10))
		for _, row := range rows {
			width = max(width, terminal.Width(row.at(j, last)))
		}
		if room -= width + len(terminal.Gap); room < 0 && left > 0 {
			break
		}
		if left > right {
			right++
		} else {
			left++
		}
	}
	return left, right
}

func (m *Matrix) summary() string {
	parts := make([]string, len(m.shape))
	for i, n := range m.shape {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return fmt.Sprintf("%s of %s (--select chooses, `mtflight stats` tells bounds)", strings.Join(parts, "x"), m.leaf)
}
