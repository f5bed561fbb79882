package frame

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// table is pandas' format "table": one PyTables table whose attributes say which of its columns are the index and what
// the blocks' columns are called (pandas.io.pytables, Table).
func (o *opener) table(f *Frame) error {
	d := o.dataset("table")
	if d == nil {
		return unsupported("pandas' table is missing")
	}
	kind := o.attrs.text("table_type")
	if !strings.HasPrefix(kind, "appendable_") || strings.Contains(kind, "panel") || strings.Contains(kind, "ndim") {
		return unsupported("pandas' %.40q: ask the raw node %s", kind, d.Path)
	}
	t := &stored{opener: o, node: d, attrs: o.of(d)}
	t.info, _ = o.attrs.python("info").(*Dict)
	t.readLevels()
	index, err := t.index()
	if err != nil {
		return err
	}
	columns, err := t.columns()
	if err != nil {
		return err
	}
	f.Columns, err = t.arrange(t.ordered(columns), index)
	f.Names = t.axisNames()
	return err
}

// stored is a table with its attributes.
type stored struct {
	*opener
	node   *meta.Dataset
	attrs  attributes // of the table; those of its group are the opener's
	info   *Dict
	levels []string // names of the columns that are levels of the index; nil: there is one level
}

func (t *stored) readLevels() {
	for _, l := range pickledList(t.opener.attrs.python("levels")) {
		t.levels = append(t.levels, l.Text())
	}
}

// told is what pandas' info says about a column.
func (t *stored) told(column, key string) any {
	d, _ := t.info.Get(spell.Unescape(column)).(*Dict)
	return d.Get(key)
}

// index is the column that is the index, if there is one level.
func (t *stored) index() (Column, error) {
	cols, _ := t.opener.attrs.python("index_cols").(*List)
	if cols == nil || len(cols.Items) != 1 {
		return Column{}, unsupported("pandas' index_cols are not those of a frame: ask the raw node %s", t.node.Path)
	}
	pair, _ := cols.Items[0].(*List)
	if pair == nil || len(pair.Items) != 2 {
		return Column{}, unsupported("pandas' index_cols cannot be read: ask the raw node %s", t.node.Path)
	}
	name, ok := pair.Items[1].(string)
	if !ok || pair.Items[0] != int64(0) {
		return Column{}, unsupported("the frame is stored by columns: ask the raw node %s", t.node.Path)
	}
	name = spell.Escape(name)
	c := Column{Index: true, Path: t.node.Path, Member: name}
	c.Label, _ = pickled(t.told(name, "index_name"))
	if meta := t.attrs.text(name + "_meta"); meta == "category" || !t.attrs.has(name+"_meta") && t.hasCategories(name) {
		return c, t.category(&c)
	}
	c.kind(t.attrs.text(name+"_kind"), t.attrs, name+"_")
	c.zone(t.told(name, "tz"))
	if t.attrs.text(name+"_kind") == "integer" {
		c.period(t.told(name, "freq"))
	}
	return c, nil
}

// columns are the blocks' columns, each with its label, and what else a name says.
func (t *stored) columns() ([]Column, error) {
	var out []Column
	for _, block := range pickledList(t.opener.attrs.python("values_cols")) {
		name, ok := block.Value.(string)
		if !ok {
			return nil, unsupported("pandas' values_cols cannot be read: ask the raw node %s", t.node.Path)
		}
		c := Column{Path: t.node.Path, Member: spell.Escape(name)}
		if err := t.describe(&c); err != nil {
			return nil, err
		}
		labels := pickledList(t.attrs.python(t.key(c.Member) + "_kind"))
		if labels == nil {
			more, err := t.unlabelled(c)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		for i, label := range labels {
			c.Label, c.Item = label, i
			out = append(out, c)
			out[len(out)-1].Masked = c.Masked && label.Text() == name // of blocks pandas does not keep it
		}
	}
	return out, nil
}

// key is what the attributes of a block begin with: values_0 for values_block_0 in files before pandas 0.11.
func (t *stored) key(block string) string {
	if n, ok := strings.CutPrefix(block, "values_block_"); ok && !t.attrs.has(block+"_kind") {
		return "values_" + n
	}
	return block
}

// unlabelled are the columns of a block whose labels cannot be read, under raw names.
func (t *stored) unlabelled(c Column) ([]Column, error) {
	raw, err := t.from.Type(t.node.Path, c.Member)
	if err != nil {
		return nil, err
	}
	_, n := inner(raw)
	if n > maxColumns {
		return nil, tooManyColumns()
	}
	if n < 0 {
		c.Label = Label{c.Member}
		return []Column{c}, nil
	}
	out := make([]Column, n)
	for i := range out {
		c.Label, c.Item = Label{fmt.Sprintf("%s_%d", c.Member, i)}, i
		out[i] = c
	}
	return out, nil
}

// describe says what the values of a block are.
func (t *stored) describe(c *Column) error {
	dtype, special := t.attrs.text(t.key(c.Member)+"_dtype"), t.attrs.text(t.key(c.Member)+"_meta")
	if special == "category" {
		return t.category(c)
	}
	c.Masked = special == "string"
	switch {
	case strings.HasPrefix(dtype, "string"), strings.HasPrefix(dtype, "bytes"):
		c.As, c.Null = Text, t.sentinel(c.Member)
	case dtype == "date":
		c.As = Date
	case dtype == "object":
		c.Reason = fmt.Sprintf(pickledValues, c.Path)
	default:
		c.dtype(dtype)
	}
	c.zone(t.told(c.Member, "tz"))
	return nil
}

// sentinel is the text that stands for a missing value: of the column in newer files, of the table in older ones.
func (t *stored) sentinel(column string) *string {
	own := t.opener.attrs.truth("data_col_nan_rep")
	for _, l := range t.levels {
		own = own || spell.Escape(l) == column && t.opener.attrs.truth("mi_level_nan_rep")
	}
	if own {
		if b, ok := t.attrs.bytes(column + "_nan_rep"); ok {
			s := string(b)
			return &s
		}
		return nil
	}
	s, ok := t.opener.attrs.python("nan_rep").(string)
	if !ok {
		s = "nan"
	}
	return &s
}

func (t *stored) categoriesPath(column string) string {
	return t.path + "/meta/" + column + "/meta"
}

func (t *stored) hasCategories(column string) bool {
	return t.groupAt(t.categoriesPath(column)) != nil
}

// category reads the categories of a column: a series of their own, none if there are no categories.
func (t *stored) category(c *Column) error {
	c.As = Categories
	c.Ordered = t.told(c.Member, "ordered") == true || t.told(c.Member, "ordered") == int64(1)
	c.Levels = newLevels(emptyOf(nil))
	if !t.hasCategories(c.Member) {
		return nil
	}
	if t.depth > 0 {
		return unsupported("categories of categories: ask the raw node %s", t.node.Path)
	}
	f, err := open(t.nodes, t.categoriesPath(c.Member), t.from, t.depth+1)
	if err != nil {
		return err
	}
	if f == nil || len(f.Columns) < 1 || f.Columns[0].Index {
		return unsupported("categories of %.80s cannot be read: ask the raw node %s", spell.Quote(c.Member), t.node.Path)
	}
	c.Levels, err = t.opener.levels(f.Columns[0])
	return err
}

// ordered gives the columns in the order of the frame's own, if that can be read.
func (t *stored) ordered(columns []Column) []Column {
	axes, _ := t.opener.attrs.python("non_index_axes").(*List)
	if axes == nil || len(axes.Items) != 1 {
		return columns
	}
	pair, _ := axes.Items[0].(*List)
	if pair == nil || len(pair.Items) != 2 {
		return columns
	}
	at := map[string]int{}
	for i, c := range columns {
		at[c.Label.key()] = i
	}
	var out []Column
	for _, l := range pickledList(pair.Items[1]) {
		if i, ok := at[l.key()]; ok {
			out = append(out, columns[i])
		}
	}
	if len(out) != len(columns) || len(at) != len(columns) {
		return columns
	}
	return out
}

// unnamed is how pandas calls levels without a name; of a series it leaves them so.
var unnamed = regexp.MustCompile(`^level_\d+$`)

// arrange puts the index behind the columns; levels of a MultiIndex are columns of the table.
func (t *stored) arrange(columns []Column, index Column) ([]Column, error) {
	if t.levels == nil {
		return append(columns, index), nil
	}
	var rest, levels []Column
	for _, l := range t.levels {
		for _, c := range columns {
			if c.Label.Text() != l {
				continue
			}
			c.Index = true
			if t.opener.attrs.text("table_type") == "appendable_multiframe" && unnamed.MatchString(l) {
				c.Label = Label{}
			}
			levels = append(levels, c)
		}
	}
	if len(levels) != len(t.levels) {
		return nil, unsupported("levels of the index are not among the columns: ask the raw node %s", t.node.Path)
	}
	for _, c := range columns {
		isLevel := false
		for _, l := range t.levels {
			isLevel = isLevel || c.Label.Text() == l
		}
		if !isLevel {
			rest = append(rest, c)
		}
	}
	return append(rest, levels...), nil
}

// axisNames are the names of the columns' axis.
func (t *stored) axisNames() []Label {
	if t.info == nil {
		return nil
	}
	axis, _ := t.info.Get(int64(1)).(*Dict)
	return pickledList(axis.Get("names"))
}
