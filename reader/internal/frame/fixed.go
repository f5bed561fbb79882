package frame

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// fixed is pandas' format "fixed": an array per block of columns of one dtype, rows first, and the axes' labels in
// arrays of their own (pandas.io.pytables, GenericFixed).
func (o *opener) fixed(f *Frame) (err error) {
	rows, blocks := "axis1", o.blocks
	if o.attrs.text("pandas_type") == "series" {
		rows, blocks = "index", o.series
	}
	if f.Empty, err = o.noRows(rows); err != nil {
		return err
	}
	columns, err := blocks(f)
	if err != nil {
		return err
	}
	index, err := o.index(rows)
	f.Columns = append(columns, index...)
	return err
}

// noRows tells whether the axis of rows is empty: then the arrays hold one element that means nothing.
func (o *opener) noRows(axis string) (bool, error) {
	if o.attrs.text(axis+"_variety") == "multi" {
		axis += "_label0"
	}
	d := o.dataset(axis)
	if d == nil {
		return false, unsupported("pandas' %s is missing", axis)
	}
	return o.of(d).zero("shape") || len(d.Shape) > 0 && d.Shape[0] == 0, nil
}

func (o *opener) series(*Frame) ([]Column, error) {
	label, ok := pickled(o.attrs.python("name"))
	if !ok || label.None() {
		label = Label{"values"}
	}
	c, err := o.block("values", 0)
	c.Label = label
	return []Column{c}, err
}

// blocks gives the columns in their order, which is that of axis0.
func (o *opener) blocks(f *Frame) ([]Column, error) {
	order, names, err := o.labels("axis0")
	if err != nil {
		return nil, err
	}
	f.Names = names
	if d := o.dataset("axis0"); len(order) == 0 && d != nil {
		f.Labels = o.of(d).text("value_type")
	}
	n, _ := o.attrs.int("nblocks")
	found := map[string]Column{}
	for i := 0; i < n; i++ {
		items, _, err := o.labels(fmt.Sprintf("block%d_items", i))
		if err != nil {
			return nil, err
		}
		if len(found)+len(items) > maxColumns {
			return nil, tooManyColumns()
		}
		for j, label := range items {
			c, err := o.block(fmt.Sprintf("block%d_values", i), j)
			if err != nil {
				return nil, err
			}
			c.Label = label
			found[label.key()] = c
		}
	}
	var out []Column
	for _, label := range order {
		c, ok := found[label.key()]
		if !ok {
			return nil, unsupported("no block has pandas' column %.80q", label.Text())
		}
		out = append(out, c)
	}
	return out, nil
}

const pickledValues = "its values are pickled objects, which are never made: ask the raw node %s, or write it with format=\"table\""

// block is one column of an array of values.
func (o *opener) block(name string, item int) (Column, error) {
	d := o.dataset(name)
	if d == nil {
		return Column{}, unsupported("pandas' %s is missing", name)
	}
	a := o.of(d)
	c := Column{Path: d.Path, Item: item}
	dtype := a.text("value_type")
	switch {
	case a.text("CLASS") == "VLARRAY":
		return c, o.texts(&c, item)
	case len(d.Shape) == 1 && item == 0:
	case len(d.Shape) != 2 || !a.truth("transposed") && !a.zero("shape") && d.Shape[1] != 0:
		c.Reason = "its block is not laid out as rows: ask the raw node " + d.Path
	}
	c.dtype(dtype)
	c.zone(a.python("tz"))
	c.Type = o.missing(d)
	return c, nil
}

// missing is the type of an array without elements, which pandas can't store: of a stand-in. nil: it is no such.
func (o *opener) missing(d *meta.Dataset) arrow.DataType {
	a := o.of(d)
	if a.zero("shape") {
		if t := numpyTypes[a.text("value_type")]; t != nil {
			return t
		}
		return arrow.PrimitiveTypes.Float64
	}
	if len(d.Shape) == 2 && d.Shape[1] == 0 {
		return arrow.PrimitiveTypes.Int64 // of times, which are kept as such
	}
	return nil
}

// labels are the labels of an axis of columns, and the names of its levels.
func (o *opener) labels(axis string) (labels, names []Label, err error) {
	if d := o.dataset(axis); d != nil && o.of(d).zero("shape") {
		return nil, nil, nil
	} else if d != nil && o.of(d).text("CLASS") == "VLARRAY" {
		labels, err = o.objectLabels(d.Path)
		name, _ := pickled(o.of(d).python("name"))
		return labels, []Label{name}, err
	}
	columns, err := o.index(axis)
	if err != nil {
		return nil, nil, err
	}
	var levels [][]Label
	for _, c := range columns {
		a, err := o.made(c)
		if err != nil {
			return nil, nil, err
		}
		if a.Len() > maxColumns {
			return nil, nil, tooManyColumns()
		}
		l := labelsOf(a)
		if l == nil {
			return nil, nil, unsupported("labels of columns in %s are %s: ask the raw nodes below it", c.Path, a.DataType())
		}
		levels, names = append(levels, l), append(names, c.Label)
	}
	if o.attrs.text(axis+"_variety") != "multi" {
		return levels[0], names, nil
	}
	labels = make([]Label, len(levels[0]))
	for i := range labels {
		parts := make([]Label, len(levels))
		for k := range levels {
			if len(levels[k]) != len(labels) {
				return nil, nil, unsupported("levels of %s differ in length", axis)
			}
			parts[k] = levels[k][i]
		}
		labels[i] = Label{parts}
	}
	return labels, names, nil
}

// made is a column's values as they are served.
func (o *opener) made(c Column) (arrow.Array, error) {
	if c.Reason != "" {
		return nil, unsupported("%s: %s", c.Path, c.Reason)
	}
	raw, err := o.from.Values(c.Path, c.Member)
	if err != nil {
		return nil, err
	}
	return c.Make(memory.DefaultAllocator, raw, nil)
}

// maxLevels bounds the levels of a MultiIndex.
const maxLevels = 64

// index is an index of rows, or of columns: one column, or one per level.
func (o *opener) index(axis string) ([]Column, error) {
	if o.attrs.text(axis+"_variety") != "multi" {
		c, err := o.indexColumn(axis)
		return []Column{c}, err
	}
	n, _ := o.attrs.int(axis + "_nlevels")
	if n < 1 || n > maxLevels {
		return nil, unsupported("an index of %d levels", n)
	}
	out := make([]Column, n)
	for i := range out {
		level, err := o.indexColumn(fmt.Sprintf("%s_level%d", axis, i))
		if err != nil {
			return nil, err
		}
		codes := o.dataset(fmt.Sprintf("%s_label%d", axis, i))
		if codes == nil {
			return nil, unsupported("pandas' %s_label%d is missing", axis, i)
		}
		out[i] = Column{Label: level.Label, Index: true, Path: codes.Path, Item: -1, As: Coded, Reason: level.Reason}
		if out[i].Reason != "" {
			continue
		}
		if out[i].Levels, err = o.levels(level); err != nil {
			return nil, err
		}
		if o.missing(codes) != nil {
			out[i].Type = out[i].Levels.Values.DataType()
		}
	}
	return out, nil
}

// levels are the values of a column that codes choose from.
func (o *opener) levels(c Column) (*Levels, error) {
	if d := o.datasetAt(c.Path); d != nil && o.of(d).zero("shape") {
		return newLevels(emptyOf(c.Type)), nil
	}
	a, err := o.made(c)
	if err != nil {
		return nil, err
	}
	return newLevels(a), nil
}

// indexColumn is an array that keeps an index, or a level of one.
func (o *opener) indexColumn(name string) (Column, error) {
	d := o.dataset(name)
	if d == nil {
		return Column{}, unsupported("pandas' %s is missing", name)
	}
	a := o.of(d)
	c := Column{Index: true, Path: d.Path, Item: -1}
	c.Label, _ = pickled(a.python("name"))
	c.Type = o.missing(d)
	kind := a.text("kind")
	if kind == "object" && a.text("CLASS") == "VLARRAY" {
		return c, o.texts(&c, 0)
	}
	c.kind(kind, a, "")
	c.zone(a.python("tz"))
	if a.text("index_class") == "period" && !c.period(a.python("freq")) {
		c.Reason = "the frequency of its periods is pickled in a way that is not known: ask the raw node " + c.Path
	}
	if kind != "category" {
		return c, nil
	}
	categories, err := o.indexColumn(name + "_categories")
	if err != nil {
		return c, err
	}
	c.As, c.Ordered = Categories, a.truth("ordered")
	c.Levels, err = o.levels(categories)
	return c, err
}

// kind says how the values of an index are kept; its sentinel is an attribute with a name of this beginning.
func (c *Column) kind(kind string, a attributes, beginning string) {
	switch {
	case kind == "string":
		c.As, c.Null = Text, sentinel(a, beginning+"nan_rep")
	case kind == "date":
		c.As = Date
	case kind == "integer" || kind == "float" || kind == "bool" || kind == "category":
	case strings.HasPrefix(kind, "datetime64") || strings.HasPrefix(kind, "timedelta64"):
		c.dtype(kind)
	case kind == "object":
		c.Reason = fmt.Sprintf(pickledValues, c.Path)
	default:
		c.Reason = fmt.Sprintf("an index of kind %.40q: ask the raw node %s", kind, c.Path)
	}
}

// sentinel is the text that stands for a missing value in an index; files from before it was kept have "nan".
func sentinel(a attributes, name string) *string {
	s := "nan"
	if a.has(name) {
		if s = a.text(name); s == "" {
			return nil
		}
	}
	return &s
}
