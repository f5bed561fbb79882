package h5proc

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// A frame is a u32 length, little-endian, and so many bytes of gob. A witness answers a request with the byte picked,
// a frame, and, for a slab that was read and is too large for the shared memory, its raw bytes.
const (
	maxRequest  = 64 << 20
	maxResponse = 256 << 20
	picked      = 0xA5
)

type operation uint8

const (
	opTree operation = iota + 1
	opDataset
	opSlab
)

type request struct {
	Op           operation
	Name         string
	Start, Count []uint64
	Bytes        uint64 // opSlab: of the destination
}

type response struct {
	Kind    int // 0: no error; n: fault.Kinds()[n-1]; -1: an error without a kind
	Message string
	File    *meta.File
	Dataset meta.Dataset
}

var errFrame = errors.New("malformed frame")

// encodeFrame gives a whole frame.
func encodeFrame(v any, limit int) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 4))
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	if b.Len()-4 > limit {
		return nil, fault.New(fault.Exhausted, "h5proc: message of %d bytes, at most %d", b.Len()-4, limit)
	}
	binary.LittleEndian.PutUint32(b.Bytes(), uint32(b.Len()-4))
	return b.Bytes(), nil
}

// readFrame reads a frame into v.
func readFrame(r io.Reader, v any, limit int64) (err error) {
	b, err := readBytes(r, limit)
	if err != nil {
		return err
	}
	defer func() { // gob promises no panic, but the bytes come from a process that may be out of its mind
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errFrame, p)
		}
	}()
	if err := gob.NewDecoder(b).Decode(v); err != nil {
		return fmt.Errorf("%w: %v", errFrame, err)
	}
	return nil
}

// readBytes reads a length and so many bytes. Memory grows with the bytes that arrive, not with the length announced.
func readBytes(r io.Reader, limit int64) (*bytes.Buffer, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[:]))
	if n > limit {
		return nil, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	b := &bytes.Buffer{}
	_, err := io.CopyN(b, r, n)
	return b, err
}

func setError(r *response, err error) {
	if err != nil {
		r.Kind, r.Message = kindOf(err), err.Error()
	}
}

func (r *response) err() error { return errorOf(r.Kind, r.Message) }

// kindOf is an error's kind as a number, and errorOf an error of it: 0 is none.
func kindOf(err error) int {
	kind := fault.Of(err)
	for i, k := range fault.Kinds() {
		if k == kind {
			return i + 1
		}
	}
	return -1
}

func errorOf(kind int, message string) error {
	kinds := fault.Kinds()
	switch {
	case kind == 0:
		return nil
	case kind > 0 && kind <= len(kinds):
		return fault.New(kinds[kind-1], "%s", message)
	}
	return errors.New(message)
}
