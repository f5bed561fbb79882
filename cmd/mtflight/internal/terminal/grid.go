package terminal

import "strings"

// Gap is what parts two columns.
const Gap = "  "

// least is how far a column may be cut for the sake of the others.
const least = 8

// Column is how one of a Grid's columns is laid out.
type Column struct {
	Head  string
	Right bool
	Style Style
	Late  bool // cut only when the others are
	Free  bool // the last column: never cut; in a row where it does not fit it stands on lines of its own
}

// Grid is a table that is laid out when its rows are known: on a screen of a width, columns are cut to it, the widest first.
type Grid struct {
	Columns []Column
	Rows    [][]string // of printable text, a cell for each column
	Styles  map[int]Style
	Above   map[int]string // lines of their own above a row; that of the first stands above the heads
}

// Write lays the grid out.
func (g *Grid) Write(s Screen) string {
	widths := g.widths(s)
	var out strings.Builder
	heads := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		heads[i] = c.Head
	}
	g.above(&out, s, 0)
	g.line(&out, s, heads, widths, func(int) Style { return Head })
	for i, row := range g.Rows {
		if i > 0 {
			g.above(&out, s, i)
		}
		g.line(&out, s, row, widths, func(c int) Style {
			if style, own := g.Styles[i]; own {
				return style
			}
			return g.Columns[c].Style
		})
	}
	return out.String()
}

func (g *Grid) above(out *strings.Builder, s Screen, row int) {
	text, some := g.Above[row]
	if !some {
		return
	}
	if s.Width > 0 {
		text = Elide(text, s.Width)
	}
	out.WriteString(s.Paint(Head, text) + "\n")
}

func (g *Grid) line(out *strings.Builder, s Screen, row []string, widths []int, style func(int) Style) {
	var line strings.Builder
	used, blank := 0, 0
	for c, cell := range row {
		if cell = strings.TrimRight(cell, " "); cell == "" {
			blank += widths[c] + len(Gap)
			continue
		}
		column := g.Columns[c]
		if column.Free && s.Width > 0 && used+blank+Width(cell) > s.Width {
			line.WriteString("\n" + strings.Join(wrapped(cell, s.Width-4), "\n"))
			continue
		}
		if !column.Free {
			cell = Elide(cell, widths[c])
		}
		fill := widths[c] - Width(cell)
		if column.Right {
			blank, fill = blank+fill, 0
		}
		line.WriteString(strings.Repeat(" ", blank) + s.Paint(style(c), cell))
		used += blank + Width(cell)
		blank = fill + len(Gap)
	}
	out.WriteString(line.String() + "\n")
}

// wrapped breaks a text between words into indented lines.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && Width(line)+1+Width(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	lines = append(lines, line)
	for i := range lines {
		lines[i] = "    " + lines[i]
	}
	return lines
}

// widths are the columns' own, cut to the screen's where it has one.
func (g *Grid) widths(s Screen) []int {
	widths := make([]int, len(g.Columns))
	total := 0
	for c, column := range g.Columns {
		widths[c] = Width(column.Head)
		for _, row := range g.Rows {
			if !column.Free {
				widths[c] = max(widths[c], Width(row[c]))
			}
		}
		total += widths[c] + len(Gap)
	}
	if over := total - len(Gap) - s.Width; s.Width > 0 && over > 0 {
		over = g.cut(widths, over, false)
		g.cut(widths, over, true)
	}
	return widths
}

// cut takes up to `over` cells from the columns that are cut early, or late, the widest first, and says how many it lacks.
func (g *Grid) cut(widths []int, over int, late bool) int {
	for ; over > 0; over-- {
		widest := -1
		for c, w := range widths {
			if g.Columns[c].Late == late && w > least && (widest < 0 || w > widths[widest]) {
				widest = c
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return over
}

// Fit leaves out the columns that a screen has no room for, an ellipsis in their place, and says how many are left. The
// first is always there.
func (g *Grid) Fit(s Screen) (shown int) {
	left := s.Width - len(Gap) - 1
	widths := g.widths(Screen{})
	for shown < len(widths) && (shown == 0 || widths[shown] <= left) {
		left -= widths[shown] + len(Gap)
		shown++
	}
	if shown == len(widths) {
		return shown
	}
	g.Columns = append(g.Columns[:shown:shown], Column{Head: "…", Style: Faint})
	for i := range g.Rows {
		g.Rows[i] = append(g.Rows[i][:shown:shown], "…")
	}
	return shown
}
