package h5proc

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5c"
)

// serveFilters undoes filters of what lies in the shared memory, one call after the other.
func serveFilters(in io.Reader, out io.Writer, shared []byte) {
	for b := range incoming(in, func(r io.Reader) (*bytes.Buffer, error) { return readBytes(r, maxUndo) }) {
		if _, err := out.Write([]byte{picked}); err != nil {
			return
		}
		n, err := undoOne(b, shared)
		head, said := undoneHead{Bytes: uint64(n)}, ""
		if err != nil {
			head.Kind, said = int32(kindOf(err)), err.Error()
		}
		if _, err := out.Write(frame(head, []byte(said[:min(len(said), maxSaid)]))); err != nil {
			return
		}
	}
}

// undoOne carries out a call: how many bytes the shared memory begins with then.
func undoOne(b *bytes.Buffer, shared []byte) (int, error) {
	var head undoHead
	if err := binary.Read(b, binary.LittleEndian, &head); err != nil {
		return 0, err
	}
	if head.Find {
		return 0, h5c.FindPlugin(head.Filter)
	}
	params := make([]uint32, b.Len()/4)
	if err := binary.Read(b, binary.LittleEndian, params); err != nil && err != io.EOF {
		return 0, err
	}
	if room := uint64(len(shared)); head.Bytes > room || head.Most > room {
		return 0, fault.New(fault.Exhausted, "h5proc: %d bytes from %d in a memory of %d", head.Most, head.Bytes, room)
	}
	return h5c.Undo(head.Filter, head.Optional, params, shared[:head.Bytes], shared[:head.Most])
}
