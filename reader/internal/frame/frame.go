package frame

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Frame is a data frame kept in several datasets.
type Frame struct {
	Format  string // "pandas fixed", "pandas table", "anndata"
	Columns []Column
	Empty   bool    // no rows, whatever its datasets hold: pandas can't store empty arrays
	Names   []Label // of the columns' axis, one per level; of the type of their labels
	Labels  string  // the labels' dtype where there are no columns to tell it
}

// Column is one column of a frame, or a level of its index.
type Column struct {
	Name    string // in Arrow; spelled (package spell) where it is that of an object
	Label   Label  // in pandas
	Index   bool
	Reason  string // why it isn't served, else ""
	Path    string // the dataset that holds its values or codes
	Member  string // of a table, spelled; "" for an array
	Item    int    // of the inner axis, if there is one; -1: all of it
	Mask    string // a dataset of truth values, true where there is none; ""
	As      Kind
	Unit    arrow.TimeUnit
	Zone    string
	Null    *string // text that stands for none
	Levels  *Levels
	Ordered bool
	Freq    string         // of a Period
	Masked  bool           // one of pandas' own dtypes that have a mask
	Type    arrow.DataType // where the dataset's own isn't it, since it has no rows; else nil
}

// Levels are the distinct values that codes choose from.
type Levels struct {
	Values arrow.Array // in Go's heap; no nulls
	Remap  []int       // new codes by old ones, -1 for none; nil: the same
}

// Kind is what becomes of a column's raw values.
type Kind uint8

// The kinds.
const (
	Plain      Kind = iota
	Timestamp       // int64 since 1970, least: none
	Duration        // the same
	Date            // integer of days, 1 is 0001-01-01
	Text            // Null stands for none
	Categories      // codes, a dictionary of Levels
	Coded           // codes, as the values of Levels
	Period          // int64, least: none; an extension of pandas
	Ordinal         // the same without the extension
)

// Nodes are a file's objects by path; nil stands for what is not there. Errors are of what cannot be read.
type Nodes interface {
	Group(path string) (*meta.Group, error)
	Dataset(path string) (*meta.Dataset, error)
}

// Source gives what Open asks of datasets: "" names an array, else a member of a table.
type Source interface {
	// Type is the Arrow type of the raw column.
	Type(path, member string) (arrow.DataType, error)
	// Values are all of its values, in Go's heap.
	Values(path, member string) (arrow.Array, error)
	// Unpickled lets use have what is pickled in an array's only row, read without running it.
	Unpickled(path string, use func(v any) error) error
	// Keep makes codes an array at a path that no dataset of the file has.
	Keep(path string, codes []int32)
}

// Format tells what kind of frame a group is, by its attributes: "" for none. It fails where those that tell cannot be
// read.
func Format(attrs meta.Attrs) (format string, err error) {
	a := attributes{attrs, "the group", &err}
	switch kind := a.text("pandas_type"); {
	case kind == "frame" || kind == "series":
		format = "pandas fixed"
	case kind == "frame_table" || kind == "series_table":
		format = "pandas table"
	case a.text("encoding-type") == "dataframe":
		format = "anndata"
	}
	return format, err
}

// Open finds the frame in the group at a path; nil if there is none. Errors are fault.Unsupported where the group is a
// frame that cannot be served, else those of the source. Names of columns are unique, and there is at least one.
func Open(n Nodes, path string, from Source) (*Frame, error) { return open(n, path, from, 0) }

// open is Open within depth other frames.
func open(n Nodes, path string, from Source, depth int) (*Frame, error) {
	g, err := n.Group(path)
	if g == nil || err != nil {
		return nil, err
	}
	o := &opener{nodes: n, from: from, path: strings.TrimSuffix(path, "/"), depth: depth, objects: map[string][]Column{}}
	o.attrs = o.attributesOf(path, g.Attrs)
	f := &Frame{}
	if f.Format, err = Format(g.Attrs); err != nil {
		return nil, err
	}
	switch f.Format {
	case "pandas fixed":
		err = o.fixed(f)
	case "pandas table":
		err = o.table(f)
	case "anndata":
		err = o.annData(f)
	default:
		return nil, nil
	}
	if o.failed != nil {
		err = o.failed
	}
	if err != nil {
		return nil, err
	}
	return f, f.nameColumns()
}

// maxColumns bounds the columns of a frame.
const maxColumns = 1 << 16

func tooManyColumns() error {
	return unsupported("a frame of more than %d columns: ask the raw nodes below it", maxColumns)
}

// opener is a frame in the making.
type opener struct {
	nodes Nodes
	from  Source
	path  string
	attrs attributes // of the group
	depth int

	failed  error               // what could not be read
	objects map[string][]Column // those of arrays of objects, by path
}

// dataset is one of the frame's group; nil if there is none, or it cannot be read, which is noted.
func (o *opener) dataset(name string) *meta.Dataset { return o.datasetAt(o.path + "/" + name) }

func (o *opener) datasetAt(path string) *meta.Dataset {
	d, err := o.nodes.Dataset(path)
	o.note(err)
	return d
}

func (o *opener) groupAt(path string) *meta.Group {
	g, err := o.nodes.Group(path)
	o.note(err)
	return g
}

func (o *opener) note(err error) {
	if o.failed == nil {
		o.failed = err
	}
}

func (o *opener) attributesOf(path string, attrs meta.Attrs) attributes {
	return attributes{attrs, path, &o.failed}
}

// of are a dataset's attributes.
func (o *opener) of(d *meta.Dataset) attributes { return o.attributesOf(d.Path, d.Attrs) }

func unsupported(format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...)
}

// Distinct refuses two columns of one name.
func (f *Frame) Distinct() error {
	seen := map[string]bool{}
	for _, c := range f.Columns {
		if seen[c.Name] {
			return twice(c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

func twice(name string) error {
	return unsupported("two columns are named %.80s: ask the raw nodes below it", spell.Quote(name))
}

// nameColumns gives the Arrow names, as pyarrow does for pandas.
func (f *Frame) nameColumns() error {
	seen := map[string]bool{}
	for i := range f.Columns {
		c := &f.Columns[i]
		if c.Name == "" {
			c.Name = c.Label.Text()
		}
		if c.Index {
			continue
		}
		if seen[c.Name] {
			return twice(c.Name)
		}
		seen[c.Name] = true
	}
	level := 0
	for i := range f.Columns {
		c := &f.Columns[i]
		if !c.Index {
			continue
		}
		if c.Label.None() || seen[c.Name] {
			c.Name = fmt.Sprintf("__index_level_%d__", level)
		}
		seen[c.Name] = true
		level++
	}
	if len(f.Columns) == 0 {
		return unsupported("a frame without columns: ask the raw nodes below it")
	}
	return nil
}
