package h5proc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
)

// Filters undoes filters by plug-ins in helper processes of its own, started when needed: they get bytes and open no
// file but plug-ins.
type Filters struct{ *pool }

// NewFilters makes a pool without starting a process yet. Close it.
func NewFilters(cfg Config) *Filters { return &Filters{newPool(cfg, filterRole, filterShared)} }

// Chunk is what is to be undone of a chunk.
type Chunk struct {
	File     any    // its state, comparable: after two deaths of helpers nothing more of it is tried
	Name     string // of the file, in the log
	Filter   uint16
	Optional bool
	Params   []uint32
	Bytes    []byte             // as the filter left them; they are not changed
	Most     int                // bytes that there can be before it
	Out      func(n int) []byte // gives room for n bytes, at most once
}

// Find tells whether there is a plug-in for a filter. Errors: fault.Unsupported, also if helpers die of looking for it, the
// context's.
func (f *Filters) Find(ctx context.Context, filter uint16) error {
	c := &undo{Chunk: Chunk{File: filter, Filter: filter}, find: true}
	if err := f.do(ctx, c.File, c); err != nil {
		return err
	}
	return c.err
}

// MaxChunk is the most bytes of a chunk, before or after a filter, that helpers take.
const MaxChunk = 1 << 30

// Undo gives a chunk's bytes before a filter, in what Out gave. Errors: fault.Unsupported without a plug-in, fault.Unsupported
// for more bytes than helpers take, fault.DataLoss where the plug-in fails, or ends its helpers, the context's.
func (f *Filters) Undo(ctx context.Context, chunk Chunk) ([]byte, error) {
	chunk.Most = min(chunk.Most, MaxChunk)
	if len(chunk.Bytes) > MaxChunk {
		return nil, fault.New(fault.Unsupported, "%d bytes, plug-ins are given at most %d", len(chunk.Bytes), MaxChunk)
	}
	c := &undo{Chunk: chunk}
	if err := f.do(ctx, c.File, c); err != nil {
		return nil, unanswered{err}
	}
	return c.result, c.err
}

// unanswered is an error of Undo that does not come from a plug-in's answer.
type unanswered struct{ error }

func (u unanswered) Unwrap() error { return u.error }

// Unanswered tells whether an error of Undo came instead of a plug-in's answer: it is of no use to ask again.
func Unanswered(err error) bool { return errors.As(err, &unanswered{}) }

// undo is a call of Find or Undo. Its bytes go and come in the shared memory. The frame is a u32 length and an undoHead with
// the parameters behind it, the answer the byte picked, a u32 length, and an undoneHead with the error behind it. All
// is little-endian.
type undo struct {
	Chunk
	find   bool
	result []byte
	err    error
}

type undoHead struct {
	Filter         uint16
	Find, Optional bool
	Bytes, Most    uint64
}

type undoneHead struct {
	Kind  int32 // of the error, as in a response
	Bytes uint64
}

const (
	maxUndo   = 20 + 4<<16 // bytes of a frame; a filter has fewer than 2^16 parameters
	maxUndone = 12 + maxSaid
	maxSaid   = 4096 // bytes of an error
)

// frame is a length, a head, and what is behind it.
func frame(head, rest any) []byte {
	b := make([]byte, 4, 256)
	b, _ = binary.Append(b, binary.LittleEndian, head)
	b, _ = binary.Append(b, binary.LittleEndian, rest)
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func (c *undo) send(h *helper) error {
	copy(h.shared, c.Bytes)
	_, err := h.in.Write(frame(undoHead{c.Filter, c.find, c.Optional, uint64(len(c.Bytes)), uint64(c.Most)}, c.Params))
	return err
}

func (c *undo) receive(h *helper) error {
	b, err := readBytes(h.out, maxUndone)
	if err != nil {
		return err
	}
	var head undoneHead
	if err := binary.Read(b, binary.LittleEndian, &head); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	if head.Bytes > uint64(min(c.Most, len(h.shared))) {
		return fmt.Errorf("%w: %d bytes undone", errFrame, head.Bytes)
	}
	if c.err = errorOf(int(head.Kind), strings.ToValidUTF8(b.String(), "\uFFFD")); c.err == nil && !c.find {
		n := int(head.Bytes)
		c.result = c.Out(n)
		copy(c.result, h.shared[:n])
		shed(h.shared, max(n, len(c.Bytes)))
	}
	return nil
}

func (c *undo) subject() string {
	if c.find {
		return fmt.Sprintf("plug-in of filter %d", c.Filter)
	}
	return c.Name
}

func (c *undo) died(how string) error {
	if c.find {
		return fault.New(fault.Unsupported, "looking for the %s in HDF5_PLUGIN_PATH ended the helper process (%s)", c.subject(), how)
	}
	return fault.New(fault.DataLoss, "its plug-in ended the helper process (%s)", how)
}

func (c *undo) refused() error {
	if c.find {
		return c.died("before")
	}
	return fault.New(fault.DataLoss, "plug-ins ended helper processes on this file: nothing more is given to them until it changes")
}
