package columns

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// What a table of columns is called where a frame's Format says who wrote it.
const (
	Format = "columns"
	Vaex   = "vaex"
)

// maxColumns bounds the columns of a table.
const maxColumns = 1 << 16

// Tree is a file's tree. Apart tells of a group's attributes whether its datasets are no columns, as those of data frames.
type Tree struct {
	*meta.File
	Apart  func(meta.Attrs) bool
	Hidden func(path string) bool
}

// unknown is the length of a dataset that cannot be told.
const unknown = -1

// rowsOf is a dataset's length; false where it has no rows: a scalar, or of a null dataspace.
func rowsOf(d *meta.Dataset) (int64, bool) {
	switch {
	case d.Err != "":
		return unknown, true
	case d.Space != meta.Simple || len(d.Shape) == 0:
		return 0, false
	}
	return int64(min(d.Shape[0], math.MaxInt64)), true
}

// In is the table of the columns below a group; nil if there is none. left names the datasets that are shorter. Errors:
// fault.DataLoss for attributes that decide and cannot be read, fault.Unsupported for too many columns.
func In(t Tree, group string) (f *frame.Frame, left []string, err error) {
	known := groupsOf(t.File)
	if is, err := otherwise(known[cmp.Or(strings.TrimSuffix(group, "/"), "/")]); is || err != nil {
		return nil, nil, err
	}
	if of, is, err := vaexGroup(known, group); err != nil {
		return nil, nil, err
	} else if is {
		f, err = vaex(t.File, known[of])
		return f, nil, err
	}
	prefix, longest, paths := within(group), int64(unknown), []string{}
	for _, g := range t.Groups {
		if g.Err != "" && strings.HasPrefix(within(g.Path), prefix) {
			return nil, nil, fault.New(fault.DataLoss, "%s: which columns there are cannot be told: the group %s cannot be listed whole: %s", group, g.Path, g.Err)
		}
	}
	all := t.below(prefix)
	for _, d := range all {
		n, _ := rowsOf(d)
		longest = max(longest, n)
	}
	count := 0
	for _, d := range all {
		switch n, _ := rowsOf(d); n {
		case longest:
			count++
			paths = append(paths, d.Path)
		case unknown: // it may be one: why it is not served is said
			paths = append(paths, d.Path)
		default:
			left = append(left, d.Path)
		}
	}
	if longest == unknown || count < 2 {
		return nil, nil, nil
	}
	f, err = tableOf(paths, prefix)
	return f, left, err
}

// otherwise tells whether a group says that it is something whose datasets are no columns, as frames and sparse matrices do: as they are they would be
// other values than those it stands for. It fails where that cannot be read.
func otherwise(g *meta.Group) (bool, error) {
	if g == nil {
		return false, nil
	}
	for _, name := range []string{"pandas_type", "h5sparse_format"} {
		if is, err := g.Attrs.Has(name); is || err != nil {
			return is, err
		}
	}
	is, err := g.Attrs.Has("encoding-type")
	if !is || err != nil {
		return false, err
	}
	kind, err := g.Attrs.Text("encoding-type")
	return !slices.Contains([]string{"anndata", "dict", "raw"}, kind), err // which hold others by name
}

// within is what the paths below a group begin with.
func within(group string) string { return strings.TrimSuffix(group, "/") + "/" }

// below are the datasets below a group that may be columns, in the order of the tree.
func (t Tree) below(prefix string) (out []*meta.Dataset) {
	apart := t.apart()
	for i := range t.Datasets {
		d := &t.Datasets[i]
		if _, has := rowsOf(d); has && strings.HasPrefix(d.Path, prefix) && !t.Hidden(d.Path) && !inside(apart, d.Path, prefix) {
			out = append(out, d)
		}
	}
	return out
}

// Others are the groups that are apart, in the order of the tree.
func (t Tree) Others() (out []meta.Group) {
	for _, g := range t.Groups {
		if t.Apart(g.Attrs) {
			out = append(out, g)
		}
	}
	return out
}

// apart are their paths.
func (t Tree) apart() map[string]bool {
	out := map[string]bool{}
	for _, g := range t.Others() {
		out[g.Path] = true
	}
	return out
}

// inside tells whether a path leads through one of the groups, below a prefix.
func inside(groups map[string]bool, path, prefix string) bool {
	if len(groups) == 0 {
		return false
	}
	for i := len(prefix); i < len(path); i++ {
		if path[i] == '/' && groups[path[:i]] {
			return true
		}
	}
	return false
}

// Named is the table of the datasets that a request names, in its order. Errors: fault.Invalid.
func Named(paths []string) (*frame.Frame, error) {
	seen := map[string]bool{}
	for _, p := range paths {
		switch {
		case !strings.HasPrefix(p, "/"):
			return nil, fault.New(fault.Invalid, "datasets: %s is no absolute path", spell.Quote(p))
		case strings.HasSuffix(p, "/") || strings.Contains(p, "//"):
			return nil, fault.New(fault.Invalid, "datasets: %s has an empty name in it", spell.Quote(p))
		case seen[p]:
			return nil, fault.New(fault.Invalid, "datasets: %s comes twice", spell.Quote(p))
		}
		seen[p] = true
	}
	if len(paths) == 0 {
		return nil, fault.New(fault.Invalid, "datasets: name at least one")
	}
	return tableOf(paths, common(paths))
}

// common is what all paths begin with: whole names and the slash behind them.
func common(paths []string) string {
	prefix := paths[0][:strings.LastIndexByte(paths[0], '/')+1]
	for _, p := range paths[1:] {
		for !strings.HasPrefix(p, prefix) {
			prefix = prefix[:strings.LastIndexByte(prefix[:len(prefix)-1], '/')+1]
		}
	}
	return prefix
}

// tableOf names columns by their paths behind a prefix, and without the last name where that is the same for all, as that of
// x/data and y/data.
func tableOf(paths []string, prefix string) (*frame.Frame, error) {
	if len(paths) > maxColumns {
		return nil, fault.New(fault.Unsupported, "a table of %d columns, at most %d are served: choose some by datasets", len(paths), maxColumns)
	}
	last := paths[0][strings.LastIndexByte(paths[0], '/'):]
	for _, p := range paths {
		if !strings.HasSuffix(p[len(prefix):], last) {
			last = ""
		}
	}
	if len(paths) == 1 {
		last = ""
	}
	f := &frame.Frame{Format: Format}
	for _, p := range paths {
		f.Columns = append(f.Columns, frame.Column{Name: strings.TrimSuffix(p[len(prefix):], last), Path: p, Item: -1})
	}
	return f, nil
}

// Asked is how datasets of a request are called in one text: their list as JSON, of more than three the first.
func Asked(paths []string) string {
	const most = 3
	text, _ := json.Marshal(paths[:min(most, len(paths))]) // strings always have a form
	if len(paths) > most {
		return fmt.Sprintf("%s, .. %d in all]", strings.TrimSuffix(string(text), "]"), len(paths))
	}
	return string(text)
}

// Left says which datasets of a group are no columns of its table; "" where all are.
func Left(paths []string) string {
	const most = 5
	if len(paths) == 0 {
		return ""
	}
	names := slices.Clone(paths[:min(most, len(paths))])
	for i, p := range names {
		names[i] = spell.Quote(p)
	}
	if len(paths) > most {
		names = append(names, fmt.Sprintf(".. %d in all", len(paths)))
	}
	return "no columns, since they are shorter: " + strings.Join(names, ", ")
}
