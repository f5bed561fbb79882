package h5proc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/jail"
)

// Unfilter is plug-ins: in helper processes of their own, or in this one.
type Unfilter interface {
	Find(ctx context.Context, filter uint16) error
	Undo(ctx context.Context, c Chunks) ([][]byte, error)
	Counts() Counts
	Close() error
}

// Filters undoes filters by plug-ins in helper processes of its own, started when needed: they get bytes and open no
// file but plug-ins.
type Filters struct {
	*pool
	mu    sync.Mutex
	found []uint16
}

// NewFilters makes a pool without starting a process yet. Close it.
func NewFilters(cfg Config) *Filters {
	f := &Filters{}
	cfg.load = f.plugins
	f.pool = newPool(cfg, filterRole, filterShared)
	f.cfg.Logger.Debug("helpers are confined", zap.Bool("landlock", jail.Landlock()))
	return f
}

// plugins are the filters whose plug-ins were found.
func (f *Filters) plugins() []uint16 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.found)
}

func (f *Filters) noted(filter uint16) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.found, filter) {
		f.found = append(f.found, filter)
	}
}

// Chunks are what is to be undone, of one chunk or of several at once, which costs less than one after the other.
type Chunks struct {
	File     any    // its state, comparable: after two deaths of helpers nothing more of it is tried
	Name     string // of the file, in the log
	Filter   uint16
	Optional bool
	Params   []uint32
	Bytes    [][]byte           // as the filter left them; they are not changed
	Most     int                // bytes that there can be before it, of each
	Out      func(n int) []byte // gives room for n bytes, of all, at most once
}

// Find tells whether there is a plug-in for a filter. Errors: fault.Unsupported, also if helpers die of looking for it, the
// context's.
func (f *Filters) Find(ctx context.Context, filter uint16) error {
	c := &undo{Chunks: Chunks{File: filter, Filter: filter}, find: true}
	if err := f.do(ctx, c.File, c); err != nil {
		return err
	}
	if c.err == nil {
		f.noted(filter)
	}
	return c.err
}

// MaxChunk is the most bytes of a chunk, before or after a filter, that helpers take.
const MaxChunk = 1 << 30

// Undo gives chunks' bytes before a filter, in what Out gave. Of several one that the plug-in fails at is nil, and helpers
// that end at them are not replaced to try again: that is for whoever asks for one at a time. Errors: fault.Unsupported
// without a plug-in or for more bytes than helpers take, fault.DataLoss where the plug-in fails at a single chunk, or ends
// its helpers, the context's.
func (f *Filters) Undo(ctx context.Context, chunks Chunks) ([][]byte, error) {
	chunks.Most = min(chunks.Most, MaxChunk)
	c := &undo{Chunks: chunks}
	if n := c.bytes(); n > filterShared {
		return nil, fault.New(fault.Unsupported, "%d bytes, plug-ins are given at most %d", n, filterShared)
	}
	if err := f.do(ctx, c.File, c); err != nil {
		return nil, unanswered{err}
	}
	return c.undone, c.err
}

// bytes is the shared memory that a call takes: all chunks, and behind them room for what they become.
func (c *undo) bytes() int {
	n := c.Most * len(c.Bytes)
	for _, b := range c.Bytes {
		n += len(b)
	}
	return n
}

// unanswered is an error of Undo that does not come from a plug-in's answer.
type unanswered struct{ error }

func (u unanswered) Unwrap() error { return u.error }

// Unanswered tells whether an error of Undo came instead of a plug-in's answer: it is of no use to ask again.
func Unanswered(err error) bool { return errors.As(err, &unanswered{}) }

// undo is a call of Find or Undo. Its bytes go and come in the shared memory: all chunks one after the other, and behind
// them what they have become, one after the other too. The frame is a u32 length, an undoHead, the lengths of the chunks
// as u64, and the parameters; the answer is the byte picked, a u32 length, an undoneHead, the lengths of what they have
// become, 0 for one that failed, or else an error. All is little-endian.
type undo struct {
	Chunks
	find   bool
	undone [][]byte
	err    error
}

type undoHead struct {
	Filter         uint16
	Find, Optional bool
	Chunks         uint32
	Most           uint64
}

type undoneHead struct {
	Kind int32 // of the error, as in a response
}

const (
	maxTogether = 1 << 16 // chunks
	maxUndo     = 16 + 8*maxTogether + 4<<16
	maxUndone   = 4 + max(8*maxTogether, maxSaid)
	maxSaid     = 4096 // bytes of an error
)

// frame is a length, and parts of known sizes.
func frame(parts ...any) []byte {
	b := make([]byte, 4, 256)
	for _, p := range parts {
		b, _ = binary.Append(b, binary.LittleEndian, p)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func (c *undo) send(h *helper) error {
	if !c.find && !h.sealed {
		h.sealed, h.load = true, append(h.load, c.Filter)
	}
	n, lengths := 0, make([]uint64, len(c.Bytes))
	for i, b := range c.Bytes {
		n += copy(h.shared[n:], b)
		lengths[i] = uint64(len(b))
	}
	_, err := h.In.Write(frame(undoHead{c.Filter, c.find, c.Optional, uint32(len(c.Bytes)), uint64(c.Most)}, lengths, c.Params))
	return err
}

func (c *undo) receive(h *helper) error {
	b, err := readBytes(h.Out, maxUndone)
	if err != nil {
		return err
	}
	defer shed(h.shared, c.bytes())
	return c.parse(b, h.shared)
}

// parse takes an answer and what lies in the shared memory, both of a process that may be out of its mind.
func (c *undo) parse(b *bytes.Buffer, shared []byte) error {
	var head undoneHead
	if err := binary.Read(b, binary.LittleEndian, &head); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	if head.Kind != 0 || c.find {
		c.err = errorOf(int(head.Kind), strings.ToValidUTF8(b.String(), "\uFFFD"))
		return nil
	}
	lengths := make([]uint64, len(c.Bytes))
	if err := binary.Read(b, binary.LittleEndian, lengths); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	sum := 0
	for _, n := range lengths {
		if n > uint64(c.Most) {
			return fmt.Errorf("%w: %d bytes undone", errFrame, n)
		}
		sum += int(n)
	}
	c.take(shared[c.bytes()-c.Most*len(c.Bytes):][:sum], lengths)
	return nil
}

// take copies what chunks have become.
func (c *undo) take(all []byte, lengths []uint64) {
	out := c.Out(len(all))
	copy(out, all)
	c.undone = make([][]byte, len(lengths))
	for i, n := range lengths {
		if n > 0 {
			c.undone[i], out = out[:n:n], out[n:]
		}
	}
}

// fits tells whether a helper can still load the plug-in or has done so.
func (c *undo) fits(h *helper) bool {
	return !h.sealed || !c.find && slices.Contains(h.load, c.Filter)
}

func (c *undo) disk() *os.File { return nil }

func (c *undo) keeps() bool { return true }

func (c *undo) once() bool { return len(c.Bytes) > 1 }

func (c *undo) subject() string {
	if c.find {
		return fmt.Sprintf("plug-in of filter %d", c.Filter)
	}
	return c.Name
}

func (c *undo) late(how string) error { return c.died(how) }

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
