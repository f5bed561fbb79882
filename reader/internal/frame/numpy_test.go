package frame

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// scalar is a pickled NumPy scalar, its bytes given by opcodes.
func scalar(dtype, order, bytes string) string {
	return "cnumpy.core.multiarray\nscalar\np2\n(cnumpy\ndtype\np3\n(S'" + dtype + "'\nI0\nI1\ntRp4\n(I3\nS'" + order +
		"'\nNNNI-1\nI-1\nI0\ntb" + bytes + "tRp5\n."
}

func TestScalars(t *testing.T) {
	for pickle, want := range map[string]any{
		scalar("i8", "<", `S'\x02\x00\x00\x00\x00\x00\x00\x00'`+"\n"):             int64(2),
		scalar("i2", ">", `S'\xff\xfe'`+"\n"):                                     int64(-2),
		scalar("u1", "|", "C\x01\xff"):                                            int64(255),
		scalar("f8", "<", `S'\x00\x00\x00\x00\x00\x00\xf8?'`+"\n"):                1.5,
		scalar("f4", "<", "c_codecs\nencode\n(V\\u0000\\u0000\xc0?\nVlatin1\ntR"): 1.5,
		scalar("b1", "|", `S'\x01'`+"\n"):                                         true,
	} {
		v, err := Unpickle([]byte(pickle))
		require.NoError(t, err)
		l, ok := pickled(v)
		require.True(t, ok, pickle)
		require.Equal(t, want, l.Value, pickle)
	}
	for _, pickle := range []string{
		scalar("i8", "<", "C\x01a"), scalar("u8", "<", "C\x08\xff\xff\xff\xff\xff\xff\xff\xff"), scalar("i0", "<", "C\x00"), scalar("i4", "?", "C\x04abcd"),
		scalar("f2", "<", "C\x02ab"), scalar("S2", "|", "C\x02ab"), scalar("i", "<", "C\x02ab"), scalar("i9", "<", "C\x09123456789"), scalar("i2", "<", "I5\n"),
		scalar("i1", "|", "c_codecs\nencode\n(V\\u0100\nVlatin1\ntR"), scalar("i1", "|", "cos\nsystem\n(Va\nVlatin1\ntR"), "cnumpy.core.multiarray\nscalar\n(I1\nI2\ntR.",
	} {
		v, err := Unpickle([]byte(pickle))
		require.NoError(t, err)
		_, ok := pickled(v)
		require.False(t, ok, pickle)
	}
}

// openLabels opens a frame of two columns whose labels are an array of objects.
func openLabels(pickle string) (*Frame, error) {
	labels := attrs("CLASS", "VLARRAY", "kind", "object", "name", "what")
	n := nodes(&meta.File{
		Groups: []meta.Group{{Path: "/df", Attrs: attrs("pandas_type", "frame", "axis0_variety", "regular", "axis1_variety", "regular", "nblocks", "#1")}},
		Datasets: []meta.Dataset{
			{Path: "/df/axis0", Shape: []uint64{1}, Attrs: labels}, {Path: "/df/block0_items", Shape: []uint64{1}, Attrs: labels},
			{Path: "/df/axis1", Shape: []uint64{2}, Attrs: attrs("kind", "integer")},
			{Path: "/df/block0_values", Shape: []uint64{2, 2}, Attrs: attrs("transposed", "#1")},
		}})
	f64 := arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Float64)
	return Open(n, "/df", source{"/df/axis0": binaryOf([]byte(pickle)), "/df/block0_items": binaryOf([]byte(pickle)),
		"/df/axis1": arr(arrow.PrimitiveTypes.Int64, "[1,2]"), "/df/block0_values": arr(f64, "[[1,2],[3,4]]")})
}

func TestLabelsOfManyTypes(t *testing.T) {
	f, err := openLabels(objects("I2\n", "I1\naVa\na"))
	require.NoError(t, err)
	require.Equal(t, []string{"1", "a", "__index_level_0__"}, names(f))
	require.Equal(t, []Label{{"what"}}, f.Names)
	f, err = openLabels(objects("I2\n", "(Va\nI1\nta(Vb\nI2\nta"))
	require.NoError(t, err)
	require.Equal(t, []string{"('a', '1')", "('b', '2')", "__index_level_0__"}, names(f))
	for _, pickle := range []string{objects("I2\n", "Va\nacos\nsystem\n(Vls\ntRa"), "(lp0\nVa\na.", objects("I1\nI2\n", "Va\naVb\na")} {
		_, err := openLabels(pickle)
		require.ErrorIs(t, err, fault.Unsupported)
		require.ErrorContains(t, err, "pickled")
	}
}

// Labels of narrow numbers are numbers.
func TestLabelsOfArrays(t *testing.T) {
	for want, typ := range map[any]arrow.DataType{int64(3): arrow.PrimitiveTypes.Uint8, 3.0: arrow.PrimitiveTypes.Float32} {
		require.Equal(t, []Label{{want}, {}}, labelsOf(arr(typ, "[3,null]")))
	}
	require.Equal(t, []Label{{int64(1)}}, labelsOf(arr(arrow.PrimitiveTypes.Uint64, "[1]")))
	require.Nil(t, labelsOf(arr(arrow.PrimitiveTypes.Uint64, "[18446744073709551615]")))
	require.Nil(t, labelsOf(emptyOf(arrow.BinaryTypes.Binary)))
}
