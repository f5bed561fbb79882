package frame

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
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
	Name    string // in Arrow
	Label   Label  // in pandas
	Index   bool
	Reason  string // why it isn't served, else ""
	Path    string // the dataset that holds its values or codes
	Member  string // of a table; "" for an array
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

// Nodes is a file's tree by path.
type Nodes struct {
	Groups   map[string]*meta.Group
	Datasets map[string]*meta.Dataset
}

// NewNodes indexes a tree, which it keeps.
func NewNodes(t *meta.File) *Nodes {
	n := &Nodes{make(map[string]*meta.Group, len(t.Groups)), make(map[string]*meta.Dataset, len(t.Datasets))}
	for i := range t.Groups {
		n.Groups[t.Groups[i].Path] = &t.Groups[i]
	}
	for i := range t.Datasets {
		n.Datasets[t.Datasets[i].Path] = &t.Datasets[i]
	}
	return n
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

// Format tells what kind of frame a group is, by its attributes: "" for none.
func Format(attrs []meta.Attr) string {
	a := attributes(attrs)
	switch kind := a.text("pandas_type"); {
	case kind == "frame" || kind == "series":
		return "pandas fixed"
	case kind == "frame_table" || kind == "series_table":
		return "pandas table"
	case a.text("encoding-type") == "dataframe":
		return "anndata"
	}
	return ""
}

// Open finds the frame in the group at a path; nil if there is none. Errors are fault.Unsupported where the group is a
// frame that cannot be served, else those of the source. Names of columns are unique, and there is at least one.
func Open(n *Nodes, path string, from Source) (*Frame, error) { return open(n, path, from, 0) }

// open is Open within depth other frames.
func open(n *Nodes, path string, from Source, depth int) (*Frame, error) {
	g := n.Groups[path]
	if g == nil {
		return nil, nil
	}
	o := &opener{nodes: n, from: from, path: strings.TrimSuffix(path, "/"), attrs: attributes(g.Attrs), depth: depth,
		objects: map[string][]Column{}}
	var err error
	f := &Frame{Format: Format(g.Attrs)}
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
	nodes *Nodes
	from  Source
	path  string
	attrs attributes // of the group
	depth int

	objects map[string][]Column // those of arrays of objects, by path
}

func (o *opener) dataset(name string) *meta.Dataset { return o.nodes.Datasets[o.path+"/"+name] }

func unsupported(format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...)
}

// nameColumns gives the Arrow names, as pyarrow does for pandas.
func (f *Frame) nameColumns() error {
	seen := map[string]bool{}
	for i := range f.Columns {
		c := &f.Columns[i]
		if c.Index {
			continue
		}
		c.Name = c.Label.Text()
		if seen[c.Name] {
			return unsupported("two columns are named %.80q: ask the raw nodes below it", c.Name)
		}
		seen[c.Name] = true
	}
	level := 0
	for i := range f.Columns {
		c := &f.Columns[i]
		if !c.Index {
			continue
		}
		if c.Name = c.Label.Text(); c.Label.None() || seen[c.Name] {
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
