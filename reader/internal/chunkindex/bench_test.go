package chunkindex

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/stretchr/testify/require"
)

// block is a piece of an index in the file.
type block struct {
	at    int64
	bytes []byte
}

const benchChunks = 1 << 20

var le = binary.LittleEndian

// writeTree1 lays out a version 1 B-tree over chunks in one axis, nodes of 64 with gaps of data between them.
func writeTree1(chunks, gap int64) (blocks []block, root uint64) {
	at := int64(4096)
	var below []uint64 // addresses of the level below
	for level := byte(0); level == 0 || len(below) > 1; level++ {
		n := (chunks + 63) / 64
		if level > 0 {
			n = int64(len(below)+63) / 64
		}
		var nodes []uint64
		for i := range n {
			b := append([]byte("TREE"), 1, level, 64, 0)
			b = append(b, make([]byte, 16)...) // siblings
			for k := range int64(64) {
				b = le.AppendUint32(b, 1000)
				b = append(b, make([]byte, 4+16)...)
				child := uint64(1<<30 + 1000*(64*i+k))
				if level == 0 {
					le.PutUint64(b[len(b)-16:], uint64(10*(64*i+k)))
				} else if j := int(64*i + k); j < len(below) {
					child = below[j]
				} else {
					b = b[:len(b)-24]
					b[6] = byte(k)
					break
				}
				b = le.AppendUint64(b, child)
			}
			b = append(b, make([]byte, 24)...)
			nodes = append(nodes, uint64(at))
			blocks = append(blocks, block{at, b})
			at += int64(len(b)) + gap
		}
		below = nodes
	}
	return blocks, below[0]
}

// writeFixed lays out a fixed array of chunks with sizes and masks, in pages of 1024.
func writeFixed(chunks uint64) (blocks []block, root uint64) {
	const elem = 14
	head := append([]byte("FAHD"), 0, 1, elem, 10)
	head = le.AppendUint64(head, chunks)
	head = le.AppendUint64(head, 8192)
	head = le.AppendUint32(head, h5file.Checksum(head))
	b := le.AppendUint64(append([]byte("FADB"), 0, 1), 4096)
	for range chunks / 1024 / 8 {
		b = append(b, 0xff)
	}
	b = le.AppendUint32(b, h5file.Checksum(b))
	for page := range chunks / 1024 {
		from := len(b)
		for i := range uint64(1024) {
			b = le.AppendUint64(b, 1<<30+1000*(1024*page+i))
			b = append(b, 0xe8, 3, 0, 0, 0, 0)
		}
		b = le.AppendUint32(b, h5file.Checksum(b[from:]))
	}
	return []block{{4096, head}, {8192, b}}, 4096
}

// BenchmarkIndex walks indexes of a million chunks in a file in the page cache. "x_read" is the time against reading
// just the bytes of the index, block by block.
func BenchmarkIndex(b *testing.B) {
	tree, treeRoot := writeTree1(benchChunks, 64000)
	packed, packedRoot := writeTree1(benchChunks, 0)
	fixed, fixedRoot := writeFixed(benchChunks)
	for _, c := range []struct {
		name   string
		index  IndexType
		blocks []block
		root   uint64
	}{
		{"btree1_scattered", BTree1, tree, treeRoot},
		{"btree1_packed", BTree1, packed, packedRoot},
		{"fixed_array", FixedArray, fixed, fixedRoot},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, size := benchFile(b, c.blocks)
			f, err := h5file.Open(r, size)
			require.NoError(b, err)
			o := &Object{Space: h5file.Space{Dims: []uint64{10 * benchChunks}, Max: []uint64{10 * benchChunks}}}
			o.Layout = Layout{Class: Chunked, ChunkDims: []uint64{10}, ChunkBytes: 40, Index: c.index, index: c.root}
			read := readBlocks(b, r, c.blocks)
			var x *Index
			for b.Loop() {
				x, err = Walk(f, o)
				require.NoError(b, err)
			}
			require.Equal(b, benchChunks, x.Len())
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(read), "x_read")
			b.ReportMetric(float64(x.Footprint())/benchChunks, "B/chunk")
		})
	}
}

func benchFile(b *testing.B, blocks []block) (io.ReaderAt, int64) {
	file, err := os.Create(filepath.Join(b.TempDir(), "index"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = file.Close() })
	for _, x := range blocks {
		_, err := file.WriteAt(x.bytes, x.at)
		require.NoError(b, err)
	}
	info, err := file.Stat()
	require.NoError(b, err)
	_, err = file.WriteAt(superblock(info.Size()), 0)
	require.NoError(b, err)
	return file, info.Size()
}

// superblock is one of version 2 for a file of size bytes.
func superblock(size int64) []byte {
	b := append([]byte("\x89HDF\r\n\x1a\n"), 2, 8, 8, 0)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint64(b, h5file.Undefined)
	b = le.AppendUint64(b, uint64(size))
	b = le.AppendUint64(b, h5file.Undefined)
	return le.AppendUint32(b, h5file.Checksum(b))
}

// readBlocks is the best time of three to read all blocks.
func readBlocks(b *testing.B, r io.ReaderAt, blocks []block) time.Duration {
	best := time.Hour
	buf := make([]byte, 64<<10)
	for range 3 {
		start := time.Now()
		for _, x := range blocks {
			for done := 0; done < len(x.bytes); done += len(buf) {
				n := min(len(buf), len(x.bytes)-done)
				_, err := r.ReadAt(buf[:n], x.at+int64(done))
				require.NoError(b, err)
			}
		}
		best = min(best, time.Since(start))
	}
	return best
}
