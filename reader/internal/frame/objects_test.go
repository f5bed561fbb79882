package frame

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// objects is a pickled array with its extents and the opcodes of its items, as NumPy 1 for Python 2 wrote it.
func objects(shape, items string) string {
	return "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(" + shape + "tcnumpy\ndtype\n(S'O8'\nI0\nI1\ntRI00\n(l" + items + "tb."
}

func openSeries(t *testing.T, pickle []byte) (Column, source) {
	t.Helper()
	n := nodes(&meta.File{
		Groups: []meta.Group{{Path: "/s", Attrs: attrs("pandas_type", "series", "name", "v", "index_variety", "regular")}},
		Datasets: []meta.Dataset{
			{Path: "/s/values", Shape: []uint64{1}, Attrs: attrs("CLASS", "VLARRAY")},
			{Path: "/s/index", Shape: []uint64{2}, Attrs: attrs("kind", "integer")},
		}})
	s := source{"/s/index": arr(arrow.PrimitiveTypes.Int64, "[1,2]"), "/s/values": binaryOf(pickle)}
	f, err := Open(n, "/s", s)
	require.NoError(t, err)
	require.Equal(t, "v", f.Columns[0].Name)
	return f.Columns[0], s
}

func TestObjects(t *testing.T) {
	c, s := openSeries(t, []byte(objects("I3\n", "S'a'\naNaV\xe9\na")))
	require.Empty(t, c.Reason)
	require.Equal(t, "[0 -1 1]", s[c.Path].String())
	require.Equal(t, `["a" "é"]`, c.Levels.Values.String())
}

// Of a frame without rows pandas does not turn the axes, and of one without columns none has to be of texts.
func TestNoObjects(t *testing.T) {
	for _, shape := range []string{"I0\n", "I1\nI0\n", "I0\nI1\n", "I0\nI0\n"} {
		c, s := openSeries(t, []byte(objects(shape, "")))
		require.Empty(t, c.Reason)
		require.Equal(t, "[]", s[c.Path].String())
		require.Equal(t, "[]", c.Levels.Values.String())
	}
}

func TestObjectsRefused(t *testing.T) {
	for name, pickle := range map[string]string{
		"numbers":       objects("I2\n", "I1\naI2\na"),
		"bytes":         objects("I1\n", "C\x01ba"),
		"calls":         objects("I1\n", "cos\nsystem\n(Vls\ntRa"),
		"no UTF-8":      objects("I1\n", "S'\\xff'\na"),
		"itself":        objects("I1\n", "(lp0\ng0\naa"),
		"fewer":         objects("I3\n", "Va\na"),
		"more":          objects("I1\n", "Va\naVb\na"),
		"no columns":    objects("I1\nI0\n", "Va\na"),
		"negative":      objects("I-1\nI-1\n", "Va\na"),
		"overflow":      objects("I4611686018427387904\nI4\n", ""),
		"none, many":    objects("I0\nI65537\n", ""),
		"no extents":    objects("Va\n", ""),
		"three axes":    objects("I1\nI1\nI1\n", "Va\na"),
		"no array":      "(lp0\nVa\na.",
		"another class": "cos\nsystem\n(I0\ntR(I1\n(I1\ntNI00\n(lVa\natb.",
	} {
		t.Run(name, func(t *testing.T) {
			c, s := openSeries(t, []byte(pickle))
			require.Contains(t, c.Reason, "/s/values")
			require.NotContains(t, s, "/s/values/0")
		})
	}
}

// What is wrong with the source itself is no column's reason.
func TestObjectsFail(t *testing.T) {
	o := &opener{from: failing{}, objects: map[string][]Column{}}
	require.ErrorIs(t, o.texts(&Column{Path: "/x"}, 0), fault.Exhausted)
}

type failing struct{ source }

func (failing) Unpickled(string, func(any) error) error { return fault.New(fault.Exhausted, "none") }
