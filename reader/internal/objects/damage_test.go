package objects

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/h5test"
)

// TestNamelessAttribute: one whose name cannot be read hides no other, but may be any that is not found.
func TestNamelessAttribute(t *testing.T) {
	f := h5test.New()
	good := h5test.Message(h5file.MsgAttribute, 0, h5test.Attribute("good", 0, h5test.Int8, h5test.Space(), []byte{7}))
	bad := h5test.Message(h5file.MsgAttribute, 0, h5test.Join([]byte{9}, make([]byte, 15)))
	file := open(t, f.Finish(f.Header(h5test.SymbolTable(f.Node(0), f.LocalHeap(long(9))), bad, good), h5test.Undefined))
	g, err := file.Group(context.Background(), "/")
	require.NoError(t, err)
	require.Len(t, g.Attrs.All, 1)
	require.NotEmpty(t, g.Attrs.Err)
	v, err := g.Attrs.Load("good")
	require.NoError(t, err)
	require.Equal(t, "7", string(v))
	_, err = g.Attrs.Load("other")
	require.Equal(t, fault.Unsupported, fault.Of(err))
	_, err = g.Attrs.Value("other")
	require.Error(t, err)
}

// TestNameOfTheUnlisted: an object without a known path may be in a group that cannot be listed.
func TestNameOfTheUnlisted(t *testing.T) {
	f := h5test.New()
	lost := f.Header(h5test.SymbolTable(0, 0))
	root := f.Header(h5test.SymbolTable(f.Node(0, f.Symbols(h5test.Symbol{Addr: lost})), f.LocalHeap([]byte("lost\x00"))))
	file := open(t, f.Finish(root, h5test.Undefined))
	name, err := file.Name(context.Background(), lost)
	require.NoError(t, err)
	require.Equal(t, "/lost", name)
	_, err = file.Name(context.Background(), 1)
	require.Equal(t, fault.DataLoss, fault.Of(err))
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = open(t, fixtures(t)["pointing"]).Name(canceled, 1)
	require.ErrorIs(t, err, context.Canceled)
}

// TestNamesOutOfOrder: what a search does not find but a listing has is damage, not absence.
func TestNamesOutOfOrder(t *testing.T) {
	f := h5test.New()
	target := f.Header()
	heap := f.LocalHeap([]byte("a\x00z\x00"))
	first := f.Symbols(h5test.Symbol{Name: 2, Addr: target}) // "z", where keys say "a"
	empty := f.Symbols()
	tree := f.Put([]byte("TREE\x00\x00"), h5test.U16(2), h5test.U64(h5test.Undefined, h5test.Undefined, 0, first, 0, empty, 2))
	root := f.Header(h5test.SymbolTable(tree, heap))
	file := open(t, f.Finish(root, h5test.Undefined))
	_, err := file.Dataset(context.Background(), "/z")
	require.Equal(t, fault.DataLoss, fault.Of(err))
	require.ErrorContains(t, err, "out of order")
}
