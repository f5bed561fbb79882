// Package sqlwire is what the server and its SQL engine say to each other over two pipes: frames, each of a kind, for a scan where there
// are several, and a payload, which is JSON or a message of Arrow's IPC. The engine answers one statement and ends. Frame is all there is
// to know. A payload that is read is the caller's own.
package sqlwire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Kind says what a frame is.
type Kind byte

// Of the server's.
const (
	Ask   Kind = 'a' // Statement
	Table Kind = 't' // Described, of the tables that were named, in their order
	Rows  Kind = 'r' // a batch of a scan
	End   Kind = 'e' // of a scan's rows
)

// Of the engine's.
const (
	Names   Kind = 'N' // [][]string: the tables that the statement names, each as [file, dataset] or [dataset]
	Scan    Kind = 'S' // Wanted: begins a scan
	More    Kind = 'M' // one more batch of a scan
	Stop    Kind = 'C' // no more of a scan
	Pushed  Kind = 'P' // []Wanted: what the scans of a statement would ask, of which EXPLAIN tells
	Columns Kind = 'H' // Result, before the first Batch
	Batch   Kind = 'B' // of the result
	Done    Kind = 'D' // the whole result has been sent
	Failed  Kind = 'X' // Failure: what ended the statement
)

// Statement is what the engine is asked.
type Statement struct {
	SQL        string   `json:"sql"`
	Parameters []string `json:"parameters"` // as SQL has them: 12, 'x', NULL
	Describe   bool     `json:"describe"`   // columns and parameters alone
	Memory     int64    `json:"memory"`     // bytes
	Threads    int      `json:"threads"`
}

// Described is a table: an Arrow schema as a message of IPC, and the number of its rows, -1 where that is not known.
type Described struct {
	Schema []byte `json:"schema"`
	Rows   int64  `json:"rows"`
}

// Wanted is what a scan asks of the n-th table.
type Wanted struct {
	Table   int      `json:"table"`
	Columns []int    `json:"columns"` // none: the number of rows alone
	Where   []string `json:"where"`   // conditions, of which each may be left out: the engine looks at the rows itself
	Limit   int64    `json:"limit"`   // -1: all
}

// Result is the columns of a result, and of a statement's parameters.
type Result struct {
	Schema     []byte `json:"schema"`
	Parameters []byte `json:"parameters"`
}

// Failure is why a statement ended.
type Failure struct {
	Kind    string `json:"kind"` // "invalid", "memory", "unsupported", "scan" where the server knows why
	Message string `json:"message"`
}

// Frame is one that was read.
type Frame struct {
	Kind    Kind
	Scan    uint32
	Payload []byte
}

// MaxFrame bounds a payload.
const MaxFrame = 1 << 30

// step is how much memory a payload gets before its bytes have come.
const step = 16 << 20

const head = 13

// Write writes a frame of parts.
func Write(w io.Writer, kind Kind, scan uint32, parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if size > MaxFrame {
		return fmt.Errorf("%d bytes are more than a frame holds", size)
	}
	h := make([]byte, head)
	h[0] = byte(kind)
	binary.LittleEndian.PutUint32(h[1:], scan)
	binary.LittleEndian.PutUint64(h[5:], uint64(size))
	for _, p := range append([][]byte{h}, parts...) {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSON writes a frame of a value.
func WriteJSON(w io.Writer, kind Kind, scan uint32, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Write(w, kind, scan, text)
}

// Read reads a frame. At the end it is io.EOF. Before a payload is read hold is told how long it is; nil: nobody has to know.
func Read(r io.Reader, hold func(n int64) error) (f Frame, err error) {
	h := make([]byte, head)
	if _, err := io.ReadFull(r, h); err != nil {
		return f, err
	}
	f.Kind, f.Scan = Kind(h[0]), binary.LittleEndian.Uint32(h[1:])
	size := binary.LittleEndian.Uint64(h[5:])
	if size > MaxFrame {
		return f, fmt.Errorf("a frame of %d bytes", size)
	}
	if hold != nil {
		if err := hold(int64(size)); err != nil {
			return f, err
		}
	}
	for at := 0; at < int(size); at = len(f.Payload) {
		next := min(int(size)-at, max(step, at))
		f.Payload = append(make([]byte, 0, at+next), f.Payload...)[:at+next]
		if _, err := io.ReadFull(r, f.Payload[at:]); err != nil {
			return f, errors.Join(io.ErrUnexpectedEOF, err)
		}
	}
	return f, nil
}

// Message is a message of Arrow's IPC as a frame has it: the lengths of its head, the head, the body.
func Message(head []byte, body ...[]byte) [][]byte {
	return append([][]byte{binary.LittleEndian.AppendUint32(nil, uint32(len(head))), head}, body...)
}

// Split takes a message apart.
func Split(payload []byte) (head, body []byte, err error) {
	if len(payload) < 4 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	n := uint64(binary.LittleEndian.Uint32(payload))
	if n > uint64(len(payload)-4) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return payload[4 : 4+n], payload[4+n:], nil
}
