package h5proc

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/mtflight/mtflight/internal/jail"
	"github.com/mtflight/mtflight/reader/internal/h5c"
)

// serveFilters answers calls one by one, of what lies in the shared memory. Before it hands over the first chunk it loads all
// plug-ins that it may need, and opens no file any more.
func serveFilters(in io.Reader, out io.Writer, shared []byte, load []uint16) {
	sealed := false
	ready := func(filter uint16) {
		if sealed {
			return
		}
		for _, id := range append(load, filter) {
			_ = h5c.FindPlugin(id) // what is wrong with it, Undo tells
		}
		demand(jail.Seal())
		sealed = true
	}

	for b := range incoming(in, func(r io.Reader) (*bytes.Buffer, error) { return readBytes(r, maxUndo) }) {
		if _, err := out.Write([]byte{picked}); err != nil {
			return
		}
		lengths, err := undoAll(b, shared, ready)
		answer := frame(undoneHead{}, lengths)
		if err != nil {
			said := err.Error()
			answer = frame(undoneHead{int32(kindOf(err))}, []byte(said[:min(len(said), maxSaid)]))
		}
		if _, err := out.Write(answer); err != nil {
			return
		}
	}
}

// undoAll carries out a call: how many bytes the chunks have become, 0 for one that failed. The error is of the last that
// did, and none where others did not. ready is called with the filter before any chunk is touched.
func undoAll(b *bytes.Buffer, shared []byte, ready func(filter uint16)) (lengths []uint64, err error) {
	var head undoHead
	if err := binary.Read(b, binary.LittleEndian, &head); err != nil {
		return nil, err
	}
	if head.Find {
		return nil, h5c.FindPlugin(head.Filter)
	}
	if head.Chunks > maxTogether || head.Most > MaxChunk {
		return nil, errFrame
	}
	lengths = make([]uint64, head.Chunks)
	if err := binary.Read(b, binary.LittleEndian, lengths); err != nil {
		return lengths, err
	}
	params := make([]uint32, b.Len()/4)
	if err := binary.Read(b, binary.LittleEndian, params); err != nil && err != io.EOF {
		return lengths, err
	}
	sum := uint64(0)
	for _, n := range lengths {
		if sum += n; n > uint64(len(shared)) || sum > uint64(len(shared)) {
			return lengths, errFrame
		}
	}
	ready(head.Filter)
	c := h5c.Chunks{Filter: head.Filter, Optional: head.Optional, Params: params, Src: shared[:sum], Lengths: lengths}
	failed, err := h5c.Undo(c, shared[sum:], int(head.Most))
	if failed < len(lengths) {
		err = nil
	}
	return lengths, err
}
