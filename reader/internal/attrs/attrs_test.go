package attrs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// TestTextIsBounded: a name of 60 KB in each of 16,384 elements of a byte would be a gigabyte of text.
func TestTextIsBounded(t *testing.T) {
	i1 := &h5type.Type{Class: h5type.Integer, Size: 1, Precision: 8}
	named := &h5type.Type{Class: h5type.Compound, Size: 1, Members: []h5type.Member{{Name: strings.Repeat("n", 60_000), Type: i1}}}
	v := Value{Type: named, Space: h5file.Space{Kind: h5file.Simple, Dims: []uint64{16 << 10}}, Data: make([]byte, 16<<10), Size: 16 << 10, OffsetSize: 8}
	_, err := JSON(v, nil, 16<<10)
	var large *TooLarge
	require.ErrorAs(t, err, &large)
	require.Less(t, large.Bytes, uint64(leastText+100_000))
	v.Space.Dims[0] = 2
	text, err := JSON(v, nil, 16<<10)
	require.NoError(t, err)
	require.Greater(t, len(text), 120_000)
}
