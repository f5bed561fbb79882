package attrs

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// The heads of datatype messages of version 3, whose bases follow.
const (
	i8Message      = "\x10\x08\x00\x00\x01\x00\x00\x00\x00\x00\x08\x00"
	f32Message     = "\x11\x20\x1f\x00\x04\x00\x00\x00\x00\x00\x20\x00\x17\x08\x00\x17\x7f\x00\x00\x00"
	textMessage    = "\x19\x01\x01\x00\x10\x00\x00\x00" + i8Message
	listMessage    = "\x19\x00\x00\x00\x10\x00\x00\x00"
	arrayMessage   = "\x3a\x00\x00\x00\x02\x00\x00\x00\x01\x02\x00\x00\x00" + i8Message
	boolMessage    = "\x38\x02\x00\x00\x01\x00\x00\x00" + i8Message + "FALSE\x00TRUE\x00\x00\x01"
	pairMessage    = "\x36\x02\x00\x00\x11\x00\x00\x00a\x00\x00" + i8Message + "b\x00\x01" + textMessage
	refMessage     = "\x37\x00\x00\x00\x08\x00\x00\x00"
	opaqueMessage  = "\x15\x00\x00\x00\x02\x00\x00\x00"
	stringMessage  = "\x13\x12\x00\x00\x04\x00\x00\x00"
	complexMessage = "\x5b\x01\x00\x00\x08\x00\x00\x00" + f32Message
)

// FuzzJSON takes a datatype message and elements; what these point at are the first half of the data.
func FuzzJSON(f *testing.F) {
	data := bytes.Repeat(at(2, 1), 4)
	for _, m := range []string{i8Message, f32Message, textMessage, listMessage + i8Message, listMessage + textMessage, listMessage + pairMessage,
		arrayMessage, boolMessage, pairMessage, refMessage, opaqueMessage, stringMessage, complexMessage} {
		t, err := h5type.Parse([]byte(m))
		require.NoError(f, err, "%q", m)
		require.LessOrEqual(f, t.Size, len(data))
		f.Add([]byte(m), data, uint64(2), uint64(1), uint8(2))
	}
	f.Fuzz(func(t *testing.T, message, data []byte, rows, columns uint64, rank uint8) {
		typ, err := h5type.Parse(message)
		if err != nil {
			return
		}
		half := data[:len(data)/2]
		v := Value{Type: typ, Space: h5file.Space{Dims: []uint64{rows, columns}[:rank%3]}, Data: data, Size: uint64(len(data)), OffsetSize: 8}
		got, err := JSON(v, heap{objects: [][]byte{half, half[len(half)/2:]}}, 10_000)
		var large *TooLarge
		switch kind := fault.Of(err); {
		case err == nil:
			require.True(t, json.Valid(got), "%s", got)
			require.LessOrEqual(t, len(got), 2<<20)
		case errors.As(err, &large):
			require.Greater(t, large.Bytes, uint64(0))
		default:
			require.True(t, kind == fault.DataLoss || kind == fault.Unsupported, err)
			require.Nil(t, got)
		}
	})
}
