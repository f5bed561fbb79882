package wire

import (
	"context"
	"encoding/binary"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/pierrec/lz4/v4"
	"google.golang.org/grpc/peer"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/zstd"
	"github.com/mtflight/mtflight/protocol"
)

// Packer compresses the buffers of one stream's record batches, as Arrow's format has it (Message.fbs, BodyCompression). One goroutine uses it; nil
// leaves them as they are.
type Packer struct {
	codec  byte // of Message.fbs, CompressionType
	pack   func(dst, src []byte) (n int, ok bool)
	memory *bufpool.Memory
	vain   []int // by buffer: batches in which it is left as it is, since it hardly shrank lately
}

// Codecs of Message.fbs.
const (
	codecLZ4  = 0
	codecZstd = 1
)

// NewPacker is that of a stream for which a compression is asked, with memory for what it makes; nil where there is none, or the client is on this
// host: a Unix socket copies faster than anything compresses.
func NewPacker(ctx context.Context, compression string, memory *bufpool.Memory) *Packer {
	if p, ok := peer.FromContext(ctx); ok && p.Addr.Network() == "unix" {
		return nil
	}
	switch compression {
	case protocol.LZ4:
		return &Packer{codec: codecLZ4, pack: lz4Frame, memory: memory}
	case protocol.Zstd:
		return &Packer{codec: codecZstd, pack: zstdFrame, memory: memory}
	}
	return nil
}

const (
	lengthBytes = 8  // before each buffer, of what it was; -1: it is as it was
	leastPacked = 64 // of a buffer that is compressed
	vainShare   = 8  // one that shrinks by less than one part in so many is left as it is
	vainBatches = 15 // for so many batches
)

// Pack gives a batch's header and body compressed, and what holds that, a reference of the caller's: the record itself where there is no memory for more just
// now, or nothing shrinks.
func (p *Packer) Pack(header []byte, body *Body, record Held) ([]byte, Held) {
	record.Retain()
	if p == nil {
		return header, record
	}
	b, ok := readBatchHeader(header)
	if !ok || body.Size < leastPacked {
		return header, record
	}
	room := b.room()
	lease := p.memory.TryLease(bufpool.Takes(int64(room)) + zstd.WorkBytes)
	if lease == nil {
		return header, record
	}
	defer lease.Close()
	out := memory.NewResizableBuffer(lease)
	out.Resize(room)
	n := p.fill(out.Bytes(), &b, body)
	if n+n/vainShare > body.Size {
		out.Release()
		return header, record
	}
	record.Release()
	out.ResizeNoShrink(n)
	*body = Body{all: [][]byte{out.Bytes()}, Size: n}
	return b.header(p.codec, n), out
}

// fill puts all buffers into out and notes where they are now; n is the bytes of all.
func (p *Packer) fill(out []byte, b *batchHeader, body *Body) (n int) {
	if p.vain == nil {
		p.vain = make([]int, len(b.buffers))
	}
	pieces := body.pieces()
	for i := range b.buffers {
		place := &b.buffers[i]
		src := pieces[place.offset]
		place.offset = int64(n)
		if place.length == 0 {
			continue
		}
		size := p.one(out[n:], src, &p.vain[i])
		place.length = int64(size)
		n += padded(size)
		clear(out[n-padded(size)+size : n])
	}
	return n
}

// one puts a buffer, compressed or not, behind its length.
func (p *Packer) one(out, src []byte, vain *int) (size int) {
	if *vain > 0 {
		*vain--
	} else if len(src) >= leastPacked {
		n, ok := p.pack(out[lengthBytes:lengthBytes+len(src)], src)
		if ok && n+n/vainShare < len(src) {
			binary.LittleEndian.PutUint64(out, uint64(len(src)))
			return lengthBytes + n
		}
		*vain = vainBatches
	}
	binary.LittleEndian.PutUint64(out, ^uint64(0))
	return lengthBytes + copy(out[lengthBytes:], src)
}

func zstdFrame(dst, src []byte) (int, bool) {
	out, ok := zstd.Frame(dst[:0:len(dst)], src)
	return len(out), ok
}

// lz4Writers are writers of frames as Arrow's C++ makes them.
var lz4Writers = sync.Pool{New: func() any {
	w := lz4.NewWriter(io.Discard)
	_ = w.Apply(lz4.ChecksumOption(false), lz4.BlockSizeOption(lz4.Block64Kb)) // these are valid
	return w
}}

func lz4Frame(dst, src []byte) (int, bool) {
	w := lz4Writers.Get().(*lz4.Writer)
	defer lz4Writers.Put(w)
	out := &bounded{to: dst}
	w.Reset(out)
	_, err := w.Write(src)
	if end := w.Close(); err == nil {
		err = end
	}
	return out.n, err == nil
}

// bounded writes to a slice, as far as it goes.
type bounded struct {
	to []byte
	n  int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := copy(b.to[b.n:], p)
	b.n += n
	if n < len(p) {
		return n, io.ErrShortBuffer
	}
	return n, nil
}
