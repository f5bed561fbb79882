package h5proc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestFrames(t *testing.T) {
	q := &request{Op: opSlab, Name: "/a\xff", Start: []uint64{1}, Count: []uint64{2}, Bytes: 8}
	frame, err := encodeFrame(q, maxRequest)
	require.NoError(t, err)
	var got request
	require.NoError(t, readFrame(bytes.NewReader(frame), &got, maxRequest))
	require.Equal(t, *q, got)
	require.ErrorIs(t, readFrame(bytes.NewReader(frame), &got, 10), errFrame)
	require.Error(t, readFrame(bytes.NewReader(frame[:len(frame)-1]), &got, maxRequest))
	_, err = encodeFrame(q, 10)
	require.ErrorIs(t, err, fault.Exhausted)
}

func TestErrorsAsNumbers(t *testing.T) {
	for _, kind := range fault.Kinds() {
		var r response
		setError(&r, fault.New(kind, "why"))
		require.Equal(t, kind, fault.Of(r.err()))
		require.EqualError(t, r.err(), "why")
	}
	var r response
	setError(&r, nil)
	require.NoError(t, r.err())
	setError(&r, errors.New("plain"))
	require.EqualError(t, r.err(), "plain")
	require.Nil(t, fault.Of(r.err()))
	require.Error(t, (&response{Kind: 99}).err())
}

func FuzzReadFrame(f *testing.F) {
	for _, v := range []any{&request{Op: opDataset, Name: "a"}, &response{Kind: 3, Message: "m"}} {
		frame, err := encodeFrame(v, maxRequest)
		require.NoError(f, err)
		f.Add(frame[4:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame := append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
		_ = readFrame(bytes.NewReader(frame), &request{}, maxRequest)
		_ = readFrame(bytes.NewReader(frame), &response{}, maxResponse)
	})
}
