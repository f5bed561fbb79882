package convert

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// TestIntOfTimes: they have a sign, in either byte order and of any precision.
func TestIntOfTimes(t *testing.T) {
	for _, c := range []struct {
		order     h5type.Order
		precision int
		bytes     string
		want      int64
	}{
		{h5type.LittleEndian, 32, "feffffff", -2}, {h5type.BigEndian, 32, "fffffffe", -2}, {h5type.LittleEndian, 32, "01000000", 1},
		{h5type.LittleEndian, 64, "feffffffffffffff", -2}, {h5type.BigEndian, 64, "8000000000000000", -1 << 63},
		{h5type.BigEndian, 16, "0000fffe", -2}, {h5type.LittleEndian, 48, "feffffffffff0000", -2},
	} {
		b, err := hex.DecodeString(c.bytes)
		require.NoError(t, err)
		got, err := Int(&h5type.Type{Class: h5type.Time, Size: len(b), Order: c.order, Precision: c.precision}, b)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.bytes)
	}
}

// TestIntOfPrecision: bits beyond the precision do not count, in either byte order; what h5py 3.16 reads of such attributes.
func TestIntOfPrecision(t *testing.T) {
	for _, c := range []struct {
		order             h5type.Order
		precision, offset int
		signed            bool
		bytes             string
		want              int64
	}{
		{h5type.BigEndian, 27, 0, true, "12345678", 0x2345678}, {h5type.BigEndian, 27, 0, true, "07ffffff", -1}, {h5type.BigEndian, 12, 0, false, "abcd", 0xbcd},
		{h5type.LittleEndian, 12, 0, false, "cdab", 0xbcd}, {h5type.LittleEndian, 12, 4, true, "cdab", -0x544}, {h5type.BigEndian, 4, 8, false, "0012af34", 0xf},
	} {
		b, err := hex.DecodeString(c.bytes)
		require.NoError(t, err)
		got, err := Int(&h5type.Type{Class: h5type.Integer, Size: len(b), Order: c.order, Precision: c.precision, BitOffset: c.offset, Signed: c.signed}, b)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.bytes)
	}
}

// TestObjectRef: references of both kinds as libhdf5 writes them.
func TestObjectRef(t *testing.T) {
	for _, c := range []struct {
		kind       h5type.RefKind
		offsetSize int
		bytes      string
		want       uint64
		err        error
	}{
		{h5type.RefObject, 8, "2003000000000000", 0x320, nil}, {h5type.RefObject, 4, "20030000", 0x320, nil},
		{h5type.RefObject, 8, "20030000", 0, fault.Unsupported},
		{h5type.RefObject2, 8, "0200082003000000000000" + "00000000000000", 0x320, nil},
		{h5type.RefObject2, 4, "02000420030000" + "00000000000000", 0x320, nil},
		{h5type.RefObject2, 8, "000000000000" + "000000000000000000000000", 0, nil},
		{h5type.RefObject2, 8, "000000000000" + "200300000000000001000000", 0, fault.DataLoss},
		{h5type.RefObject2, 8, "030010000000" + "200300000000000001000000", 0, fault.Unsupported},
		{h5type.RefObject2, 8, "040010000000" + "200300000000000001000000", 0, fault.Unsupported},
		{h5type.RefObject2, 8, "020110000000" + "200300000000000001000000", 0, fault.Unsupported},
		{h5type.RefObject2, 8, "020009200300000000000000000000000000", 0, fault.DataLoss},
		{h5type.RefObject2, 8, "020002200300000000000000000000000000", 0, fault.DataLoss},
		{h5type.RefObject2, 8, "050008200300000000000000000000000000", 0, fault.DataLoss},
		{h5type.RefObject2, 8, "02000820", 0, fault.Unsupported},
	} {
		b, err := hex.DecodeString(c.bytes)
		require.NoError(t, err)
		got, err := ObjectRef(&h5type.Type{Class: h5type.Reference, Size: len(b), RefKind: c.kind}, b, c.offsetSize)
		require.Equal(t, c.err, fault.Of(err), c.bytes)
		require.Equal(t, c.want, got, c.bytes)
	}
}
