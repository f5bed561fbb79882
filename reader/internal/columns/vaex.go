package columns

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// vaexGroup is the group with the columns of a table of vaex's: a group of the type "table" has them in the group "columns".
func vaexGroup(all groups, group string) (columns string, is bool, err error) {
	trimmed := strings.TrimSuffix(group, "/")
	for _, of := range []string{trimmed, strings.TrimSuffix(trimmed, "/columns")} {
		g := all[cmp.Or(of, "/")]
		if g == nil || all[of+"/columns"] == nil {
			continue
		}
		if text, err := g.Attrs.Text("type"); text == "table" || err != nil {
			return of + "/columns", true, err
		}
	}
	return "", false, nil
}

// groups are those of a tree by path.
type groups map[string]*meta.Group

func groupsOf(t *meta.File) groups {
	out := make(groups, len(t.Groups))
	for i := range t.Groups {
		if g := &t.Groups[i]; !g.Named {
			out[g.Path] = g
		}
	}
	return out
}

// vaex is the table whose columns are groups of a group: values in the dataset "data" of each. nil: there are none.
func vaex(t *meta.File, of *meta.Group) (*frame.Frame, error) {
	group := of.Path
	datasets := map[string]*meta.Dataset{}
	for i := range t.Datasets {
		if strings.HasPrefix(t.Datasets[i].Path, group+"/") {
			datasets[t.Datasets[i].Path] = &t.Datasets[i]
		}
	}
	f := &frame.Frame{Format: Vaex}
	for _, g := range t.Groups {
		if name, below := strings.CutPrefix(g.Path, group+"/"); below && !g.Named && !strings.Contains(name, "/") {
			c, err := vaexColumn(g, name, datasets)
			if err != nil {
				return nil, err
			}
			f.Columns = append(f.Columns, c)
		}
	}
	if len(f.Columns) == 0 {
		return nil, nil
	}
	if len(f.Columns) > maxColumns {
		return nil, fault.New(fault.Unsupported, "a table of %d columns, at most %d are served: choose some by datasets", len(f.Columns), maxColumns)
	}
	return f, vaexOrder(f, of)
}

// vaexColumn is the column of a group.
func vaexColumn(g meta.Group, name string, datasets map[string]*meta.Dataset) (c frame.Column, err error) {
	c = frame.Column{Name: name, Path: g.Path + "/data", Item: -1}
	alias, err := g.Attrs.Text("alias")
	if err != nil {
		return c, err
	}
	c.Name = cmp.Or(spell.Escape(alias), name)
	kind, err := g.Attrs.Text("type")
	if err != nil {
		return c, err
	}
	data := datasets[c.Path]
	switch {
	case kind != "":
		c.Reason = fmt.Sprintf("a column of vaex's type %.40q: ask the raw nodes below %s", kind, g.Path)
		return c, nil
	case data == nil:
		c.Reason = c.Path + " is missing"
		return c, nil
	case datasets[g.Path+"/null_bitmap"] != nil:
		c.Reason = fmt.Sprintf("which values are missing is kept as bits: ask the raw nodes below %s", g.Path)
	case datasets[g.Path+"/mask"] != nil:
		c.Mask, c.Masked = g.Path+"/mask", true
	}
	return c, vaexType(&c, data)
}

// units are those that NumPy's names of times have.
var units = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}

// vaexType says what the values of a column's data mean.
func vaexType(c *frame.Column, data *meta.Dataset) error {
	text, err := data.Attrs.Text("dtype")
	if err != nil || text == "" {
		return err
	}
	kind, unit, _ := strings.Cut(strings.TrimSuffix(text, "]"), "[")
	u, known := units[unit]
	switch {
	case kind == "datetime64" && known:
		c.As, c.Unit = frame.Timestamp, u
	case kind == "timedelta64" && known:
		c.As, c.Unit = frame.Duration, u
	default:
		c.Reason = fmt.Sprintf("a column of vaex's dtype %.40q: ask the raw nodes %s and those beside it", text, data.Path)
	}
	return nil
}

// vaexOrder puts the columns into the order that is noted; others come behind them.
func vaexOrder(f *frame.Frame, g *meta.Group) error {
	order, err := g.Attrs.Text("column_order")
	if err != nil {
		return err
	}
	place := map[string]int{}
	for i, name := range strings.Split(order, ",") {
		place[spell.Escape(name)] = i
	}
	at := func(c frame.Column) int {
		if i, ok := place[c.Name]; ok {
			return i
		}
		return math.MaxInt
	}
	slices.SortStableFunc(f.Columns, func(a, b frame.Column) int { return cmp.Compare(at(a), at(b)) })
	return nil
}
