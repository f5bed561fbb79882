package columns

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// treeOf makes a tree of "path rows", a scalar where the rows are "-", unreadable where they are "?"; groups end with a slash, and may have "name=text".
func treeOf(lines ...string) Tree {
	f := &meta.File{Groups: []meta.Group{{Path: "/"}}}
	known := map[string]bool{"/": true}
	for _, line := range lines {
		words := strings.Fields(line)
		path := strings.TrimSuffix(words[0], "/")
		for i := 1; i < len(path); i++ {
			if path[i] == '/' && !known[path[:i]] {
				known[path[:i]] = true
				f.Groups = append(f.Groups, meta.Group{Path: path[:i]})
			}
		}
		if path != words[0] {
			g := meta.Group{Path: path}
			for _, w := range words[1:] {
				name, text, _ := strings.Cut(w, "=")
				value, _ := json.Marshal(text)
				g.Attrs.All = append(g.Attrs.All, meta.Attr{Name: name, Value: value})
			}
			known[path] = true
			f.Groups = append(f.Groups, g)
			continue
		}
		d := meta.Dataset{Path: path}
		switch words[1] {
		case "-":
			d.Space = meta.Scalar
		case "?":
			d.Err = "damaged"
		default:
			var n uint64
			_ = json.Unmarshal([]byte(words[1]), &n)
			d.Shape = []uint64{n}
		}
		f.Datasets = append(f.Datasets, d)
	}
	return Tree{File: f, Apart: func(a meta.Attrs) bool { is, _ := a.Has("frame"); return is }, Hidden: func(p string) bool { return strings.Contains(p, "/_i_") }}
}

func names(f *frame.Frame) (out []string) {
	if f == nil {
		return nil
	}
	for _, c := range f.Columns {
		out = append(out, c.Name)
	}
	return out
}

func TestWhichAreColumns(t *testing.T) {
	for _, c := range []struct {
		name, group string
		tree        Tree
		want        []string
		left        []string
	}{
		{"one length", "/g", treeOf("/g/x 5", "/g/y 5", "/h 9"), []string{"x", "y"}, nil},
		{"shorter ones are left", "/g", treeOf("/g/bins 3", "/g/n -", "/g/x 5", "/g/y 5"), []string{"x", "y"}, []string{"/g/bins"}},
		{"one is longer", "/g", treeOf("/g/x 5", "/g/y 5", "/g/z 6"), nil, nil},
		{"one alone", "/g", treeOf("/g/x 5", "/g/n -"), nil, nil},
		{"at any depth", "/g", treeOf("/g/a/b/x 5", "/g/id 5"), []string{"a/b/x", "id"}, nil},
		{"the same last name", "/g", treeOf("/g/x/data 5", "/g/y/data 5"), []string{"x", "y"}, nil},
		{"the root", "/", treeOf("/x 5", "/s/y 5"), []string{"x", "s/y"}, nil},
		{"none has rows", "/g", treeOf("/g/x 0", "/g/y 0"), []string{"x", "y"}, nil},
		{"what cannot be read may be one", "/g", treeOf("/g/bad ?", "/g/x 5", "/g/y 5"), []string{"bad", "x", "y"}, nil},
		{"all cannot be read", "/g", treeOf("/g/bad ?", "/g/worse ?"), nil, nil},
		{"frames are apart", "/g", treeOf("/g/x 5", "/g/y 5", "/g/f/ frame=1", "/g/f/v 9", "/g/f/w/u 5"), []string{"x", "y"}, nil},
		{"hidden", "/g", treeOf("/g/_i_t/a 9", "/g/x 5", "/g/y 5"), []string{"x", "y"}, nil},
		{"vaex", "/table", treeOf("/table/ type=table", "/table/columns/ column_order=y,x", "/table/columns/x/data 5", "/table/columns/y/data 5", "/table/columns/y/mask 5"), []string{"y", "x"}, nil},
		{"vaex's columns", "/table/columns", treeOf("/table/ type=table", "/table/columns/x/data 5"), []string{"x"}, nil},
	} {
		f, left, err := In(c.tree, c.group)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, names(f), c.name)
		if f != nil {
			require.Equal(t, c.left, left, c.name)
		}
	}
}

func TestUnlistedGroups(t *testing.T) {
	tree := treeOf("/g/x 5", "/g/y 5", "/g/sub/ ")
	tree.Groups[2].Err = "damaged"
	_, _, err := In(tree, "/g")
	require.ErrorIs(t, err, fault.DataLoss)
}

func TestGroups(t *testing.T) {
	tree := treeOf("/a/x 5", "/a/y 5", "/b/c/x 7", "/b/c/y 7", "/t/ type=table", "/t/columns/x/data 9", "/t/columns/x/mask 9", "/f/ frame=1", "/f/x 9", "/f/y 9", "/one 4")
	var got []string
	for _, g := range Groups(tree) {
		got = append(got, g.Path)
	}
	require.Equal(t, []string{"/a", "/b/c", "/t/columns"}, got)
}

func TestNamed(t *testing.T) {
	f, err := Named([]string{"/g/x", "/g/s/y"})
	require.NoError(t, err)
	require.Equal(t, []string{"x", "s/y"}, names(f))
	for _, bad := range [][]string{nil, {"x"}, {"/x", "/x"}, {"/x/"}, {"//x"}, {""}} {
		_, err := Named(bad)
		require.ErrorIs(t, err, fault.Invalid, "%q", bad)
	}
}

func FuzzNamed(f *testing.F) {
	f.Add("/g/x\n/g/y/data\n/h")
	f.Add("/\n/x\n//")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Named(strings.Split(text, "\n"))
		if err != nil {
			require.ErrorIs(t, err, fault.Invalid)
			return
		}
		seen := map[string]bool{}
		for _, name := range names(table) {
			require.NotEmpty(t, name)
			require.False(t, seen[name])
			seen[name] = true
		}
	})
}

// What says that it is something else is no table of its datasets, even where it does not say what.
func TestFramesAreNoColumns(t *testing.T) {
	for text, is := range map[string]bool{"": true, "encoding-type=dict": true, "encoding-type=dataframe": false, "encoding-type=": false, "encoding-type=x": false,
		"pandas_type=frame": false, "h5sparse_format=csr": false} {
		tree := treeOf("/g/ "+text, "/g/a 5", "/g/b 5")
		f, _, err := In(tree, "/g")
		require.NoError(t, err, text)
		require.Equal(t, is, f != nil, text)
		listed := false
		for _, g := range Groups(tree) {
			listed = listed || g.Path == "/g"
		}
		require.Equal(t, is, listed, text)
	}
	tree := treeOf("/g/ encoding-type=dict", "/g/a 5", "/g/b 5")
	tree.Groups[1].Attrs.All[0].Value = json.RawMessage("3")
	_, _, err := In(tree, "/g")
	require.ErrorIs(t, err, fault.DataLoss)
}
