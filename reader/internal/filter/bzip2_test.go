package filter

import (
	"bytes"
	"compress/bzip2"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/cputime"
	"github.com/mtflight/mtflight/internal/fault"
)

// bitWriter writes bits, the highest first.
type bitWriter struct {
	out []byte
	pos int
}

func (w *bitWriter) put(v uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.pos%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[w.pos/8] |= byte(v>>i&1) << (7 - w.pos%8)
		w.pos++
	}
}

// sparseBzip2 is a stream of blocks of one letter a, with as many Huffman codes as there may be, of three symbols of 20 bits:
// a million combinations of bits are none.
func sparseBzip2(blocks int) []byte {
	var w bitWriter
	w.put('B'<<24|'Z'<<16|'h'<<8|'1', 32)
	const begin, end, letter = 0x314159265359, 0x177245385090, 0x19939b6b // of a block, of the stream, the checksum of a
	all := uint32(0)
	for range blocks {
		w.put(begin, 48)
		w.put(letter, 32)
		w.put(0, 25) // not randomized; the first rotation
		w.put(1<<(15-'a'/16), 16)
		w.put(1<<(15-'a'%16), 16)
		w.put(6, 3)
		w.put(1, 15)
		w.put(0, 1) // the first code
		for range 6 {
			w.put(20<<3, 8) // 20, and no difference three times
		}
		w.put(0, 20) // one
		w.put(2, 20) // end
		all = all<<1 | all>>31
		all ^= letter
	}
	w.put(end, 48)
	w.put(uint64(all), 32)
	return w.out
}

// TestSparseBzip2 decodes blocks for which building a tree of all combinations takes minutes. The standard library, which
// builds without cgo take, refuses them.
func TestSparseBzip2(t *testing.T) {
	const blocks = 2000
	stop := cputime.Below(t, time.Minute)
	r, err := pipeline(t, 1, Spec{ID: 307}).Decode(NewScratch(nil, nil), sparseBzip2(blocks), 0, blocks)
	stop()
	if bzip2Code == "compress/bzip2" {
		require.ErrorIs(t, err, fault.DataLoss)
		return
	}
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("a", blocks), string(r.Data))
}

// FuzzBzip2 compares with the standard library, which also takes another stream behind the first.
func FuzzBzip2(f *testing.F) {
	chunks(f, func(filter string, c chunk) {
		if filter == "bzip2" && len(c.Filters) == 1 && len(c.Stored) < 8<<10 {
			f.Add([]byte(c.Stored), uint16(len(c.Decoded)))
		}
	})
	f.Add(sparseBzip2(2), uint16(2))
	f.Fuzz(func(t *testing.T, stored []byte, n uint16) {
		got, err := bzip2Filter{}.decode(NewScratch(dirty, nil), stored, size{n: int(n)})
		want, stdErr := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(stored)), int64(n)+1))
		if err == nil && stdErr == nil {
			require.True(t, bytes.HasPrefix(want, got))
		}
	})
}
