package reader

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Texts that pandas pickles in one piece are read when the frame is opened and kept as codes and distinct values.

// maxPickled bounds a pickled array in bytes.
const maxPickled = 16 << 20

// Unpickled is part of frame.Source. What is read takes many times the pickle's size meanwhile, which the frames'
// budget has room for.
func (p *frameParts) Unpickled(path string, use func(v any) error) error {
	a, err := p.Values(path, "")
	if err != nil {
		return err
	}
	b, ok := a.(*array.Binary)
	if !ok || b.Len() != 1 {
		return fault.New(fault.Unsupported, "%s is not one pickled array: ask the raw node", path)
	}
	if n := len(b.Value(0)); n > maxPickled {
		return fault.New(fault.Unsupported, "%s: %d bytes are pickled in one piece, at most %d MiB are read: ask the raw node, or write it with format=\"table\"", path, n, maxPickled>>20)
	}
	budget := p.file.eng.frames
	held := min(int64(len(b.Value(0)))*frame.Unpickled, budget.Limit())
	if err := budget.Acquire(p.ctx, held); err != nil {
		return err
	}
	defer budget.Return(held)
	v, err := frame.Unpickle(b.Value(0))
	if err != nil {
		return fault.New(fault.Unsupported, "%s: %w: ask the raw node", path, err)
	}
	return use(v)
}

// int32Message is the datatype message of little-endian int32 (IV.A.2.d).
var int32Message = []byte{0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0}

// Keep is part of frame.Source: a compact dataset of no file.
func (p *frameParts) Keep(path string, codes []int32) {
	data := make([]byte, 0, 4*len(codes))
	for _, c := range codes {
		data = binary.LittleEndian.AppendUint32(data, uint32(c))
	}
	d := &Dataset{file: p.file, asked: path, meta: meta.Dataset{Path: path, Shape: []uint64{uint64(len(codes))}},
		object: &chunkindex.Object{Type: int32Message, Layout: chunkindex.Layout{Class: chunkindex.Compact, Data: data}}}
	d.info = unknown(path, nil)
	d.settle(d.understand(p.ctx))
	p.labels += int64(len(data))
	p.opened[path] = d
}
