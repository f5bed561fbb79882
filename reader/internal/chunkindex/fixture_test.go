package chunkindex_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

func unzip(t testing.TB, name string) []byte {
	file, err := os.Open("testdata/" + name + ".gz")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	z, err := gzip.NewReader(file)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	return b
}

var expectedOnce struct {
	sync.Once
	dumps []fileDump
}

// expected is what libhdf5 said of the fixtures, read once.
func expected(t testing.TB) []fileDump {
	e := &expectedOnce
	e.Do(func() { e.dumps = parseDumps(t, bytes.NewReader(unzip(t, "expected.json"))) })
	return e.dumps
}

func dumpOf(t testing.TB, file string) fileDump {
	dumps := expected(t)
	i := slices.IndexFunc(dumps, func(d fileDump) bool { return d.File == file })
	require.GreaterOrEqual(t, i, 0)
	return dumps[i]
}

func open(t testing.TB, b []byte) *h5file.File {
	f, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	return f
}

// fixture opens a dataset of a file in testdata.
func fixture(t testing.TB, file, path string) (*h5file.File, *chunkindex.Object, datasetDump) {
	for _, d := range dumpOf(t, file).Datasets {
		if d.Path == path {
			f := open(t, unzip(t, file+".h5"))
			o, err := chunkindex.Open(f, d.Addr)
			require.NoError(t, err)
			return f, o, d
		}
	}
	require.Fail(t, "no such fixture", "%s %s", file, path)
	return nil, nil, datasetDump{}
}

// TestFixtures compares with what libhdf5 said when the fixtures were made.
func TestFixtures(t *testing.T) {
	var total tally
	indexes := map[chunkindex.IndexType]int{}
	for _, dump := range expected(t) {
		t.Run(dump.File, func(t *testing.T) {
			require.Empty(t, dump.Error)
			b := unzip(t, dump.File+".h5")
			compareFile(t, bytes.NewReader(b), int64(len(b)), dump, &total)
			for _, d := range dump.Datasets {
				if o, err := chunkindex.Open(open(t, b), d.Addr); err == nil && o.Layout.Class == chunkindex.Chunked {
					indexes[o.Layout.Index]++
				}
			}
		})
	}
	require.Greater(t, total.chunks, 40000)
	for i := chunkindex.BTree1; i <= chunkindex.BTree2; i++ {
		require.Greater(t, indexes[i], 9, "datasets with index %d", i)
	}
}

func TestSuperblock(t *testing.T) {
	for name, want := range map[string]h5file.File{
		"variety_earliest": {Version: 0, SizeOfOffsets: 8, SizeOfLengths: 8},
		"variety_v18":      {Version: 2, SizeOfOffsets: 8, SizeOfLengths: 8},
		"userblock":        {Version: 3, Base: 1024, SizeOfOffsets: 8, SizeOfLengths: 8},
		"narrow":           {Version: 0, SizeOfOffsets: 4, SizeOfLengths: 4},
	} {
		t.Run(name, func(t *testing.T) {
			b := unzip(t, name+".h5")
			f := open(t, b)
			require.Equal(t, want.Base, f.Base)
			require.Equal(t, want.SizeOfOffsets, f.SizeOfOffsets)
			require.Equal(t, want.SizeOfLengths, f.SizeOfLengths)
			require.Equal(t, uint64(len(b)), f.EOF)
			require.Less(t, f.Root, f.EOF)
		})
	}
}

// TestMoved puts 512 bytes before a file, and takes a user block away: addresses count from the signature, whatever
// base address the superblock has.
func TestMoved(t *testing.T) {
	dump := dumpOf(t, "variety_earliest")
	plain := unzip(t, dump.File+".h5")
	f := open(t, append(make([]byte, 512), plain...))
	require.Equal(t, uint64(512), f.Base)
	require.Equal(t, uint64(512+len(plain)), f.EOF)
	x, err := index(f, dump.Datasets[0].Addr)
	require.NoError(t, err)
	want, err := index(open(t, plain), dump.Datasets[0].Addr)
	require.NoError(t, err)
	for at, c := range x.All() {
		w, ok := want.At(at)
		require.True(t, ok)
		require.Equal(t, w.Addr+512, c.Addr)
	}
	block := unzip(t, "userblock.h5")
	f = open(t, block[1024:])
	require.Zero(t, f.Base)
	require.Equal(t, uint64(len(block)-1024), f.EOF)
}

func index(f *h5file.File, addr uint64) (*chunkindex.Index, error) {
	o, err := chunkindex.Open(f, addr)
	if err != nil || o.Layout.Class != chunkindex.Chunked {
		return nil, err
	}
	return chunkindex.Walk(f, o)
}

func TestNotHDF5(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("\x89HDF\r\n\x1a"), make([]byte, 5000), []byte(strings.Repeat("x", 511) + "\x89HDF\r\n\x1a\n")} {
		_, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
		require.ErrorIs(t, err, fault.DataLoss)
	}
	_, err := h5file.Open(bytes.NewReader(nil), -1)
	require.ErrorIs(t, err, fault.Invalid)
}

// TestTruncated opens a file that was cut off, and reads what is left of it.
func TestTruncated(t *testing.T) {
	dump := dumpOf(t, "variety_earliest")
	b := unzip(t, dump.File+".h5")
	f := open(t, b[:len(b)/2])
	lost := 0
	for _, d := range dump.Datasets {
		if _, err := index(f, d.Addr); err != nil {
			require.ErrorIs(t, err, fault.DataLoss)
			require.ErrorContains(t, err, "truncated")
			lost++
		}
	}
	require.Greater(t, lost, 5)
	require.Less(t, lost, len(dump.Datasets)-5)
}

// TestChecksums flips one bit anywhere in an index with checksums: it is noticed, or was in a gap that nothing refers to.
func TestChecksums(t *testing.T) {
	for _, path := range []string{"/fixed3_filtered", "/growing_filtered", "/growing2_filtered"} {
		f, o, d := fixture(t, "variety_latest", path)
		good, err := chunkindex.Walk(f, o)
		require.NoError(t, err)
		b := unzip(t, "variety_latest.h5")
		noticed := 0
		for _, signature := range []string{"FAHD", "FADB", "EAHD", "EAIB", "EADB", "BTHD", "BTLF"} {
			for at := bytes.Index(b, []byte(signature)); at >= 0 && at < len(b); at++ {
				b[at+9] ^= 4
				x, err := index(open(t, b), d.Addr)
				if err != nil {
					require.ErrorIs(t, err, fault.DataLoss)
					noticed++
				} else {
					require.Equal(t, good, x)
				}
				b[at+9] ^= 4
				next := bytes.Index(b[at+1:], []byte(signature))
				if next < 0 {
					break
				}
				at += next
			}
		}
		require.GreaterOrEqual(t, noticed, 2, "header and a block of %s", path)
	}
}

// TestOrder moves the second chunk of a tree out of the extent, without a checksum to tell: it is damage, not a chunk
// that was never written.
func TestOrder(t *testing.T) {
	f, o, d := fixture(t, "variety_earliest", "/growing_filtered")
	require.Equal(t, chunkindex.BTree1, o.Layout.Index)
	x, err := chunkindex.Walk(f, o)
	require.NoError(t, err)
	require.Greater(t, x.Len(), 2)
	second, ok := x.At(1)
	require.True(t, ok)
	b := unzip(t, "variety_earliest.h5")
	at := bytes.Index(b, binary.LittleEndian.AppendUint64(nil, second.Addr))
	last := b[at-16:] // of the key before it, the number along the last axis; offset 0 in an element follows
	binary.LittleEndian.PutUint64(last, 1000*binary.LittleEndian.Uint64(last))
	_, err = index(open(t, b), d.Addr)
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "follows chunk")
}

// TestUnfiltered checks which chunks are said to lack the filters: those that reach over the extent, if asked for.
func TestUnfiltered(t *testing.T) {
	for _, path := range []string{"/fixed_filtered", "/growing_filtered", "/growing2_filtered", "/whole_filtered", "/single_filtered"} {
		for _, file := range []string{"edges_v110", "edges_latest"} {
			f, o, d := fixture(t, file, path)
			require.True(t, o.Layout.PartialUnfiltered)
			x, err := chunkindex.Walk(f, o)
			require.NoError(t, err)
			for i, c := range d.Chunks {
				partial := false
				for k, n := range d.Dims {
					partial = partial || c[k]+d.Chunk[k] > n
				}
				at := uint64(0)
				for k := range d.Dims {
					at = at*x.Grid()[k] + c[k]/d.Chunk[k]
				}
				require.Equal(t, partial, x.Unfiltered(at), "%s: chunk %d", path, i)
				if got, _ := x.At(at); partial {
					require.Equal(t, o.Layout.ChunkBytes, got.Size)
				}
			}
			require.False(t, x.Unfiltered(1<<40))
		}
	}
	f, o, _ := fixture(t, "variety_latest", "/fixed3_filtered")
	x, err := chunkindex.Walk(f, o)
	require.NoError(t, err)
	require.False(t, x.Unfiltered(26))
}

// TestSparse is a grid of 2^48 chunks, two of them stored.
func TestSparse(t *testing.T) {
	for _, file := range []string{"many", "many_filtered", "many_filtered_latest", "many_earliest"} {
		f, o, _ := fixture(t, file, "/tree_sparse")
		x, err := chunkindex.Walk(f, o)
		require.NoError(t, err)
		require.Equal(t, []uint64{1 << 21, 1 << 7, 1 << 20}, x.Grid())
		require.Equal(t, 2, x.Len())
		require.Less(t, x.Footprint(), int64(1000))
		_, ok := x.At(0)
		require.False(t, ok)
		_, ok = x.At((1<<20<<7+1)<<20 + 12345)
		require.True(t, ok)
		_, ok = x.At(1 << 60)
		require.False(t, ok)
	}
}

// TestDense is a grid all stored: no more than an address for each chunk.
func TestDense(t *testing.T) {
	f, o, _ := fixture(t, "many", "/pages")
	x, err := chunkindex.Walk(f, o)
	require.NoError(t, err)
	require.Equal(t, 3000, x.Len())
	require.Less(t, x.Footprint(), int64(3000*8+1000))
}

func TestNotChunked(t *testing.T) {
	f, o, _ := fixture(t, "plain_latest", "/contiguous")
	_, err := chunkindex.Walk(f, o)
	require.ErrorIs(t, err, fault.Precondition)
	require.NotEqual(t, h5file.Undefined, o.Layout.Addr)
	_, o, _ = fixture(t, "plain_latest", "/late")
	require.Equal(t, h5file.Undefined, o.Layout.Addr)
}

func TestNoDataset(t *testing.T) {
	b := unzip(t, "plain_latest.h5")
	f := open(t, b)
	for _, addr := range []uint64{f.Root, 1, uint64(len(b)) - 2, uint64(len(b)), 1 << 62, h5file.Undefined} {
		_, err := chunkindex.Open(f, addr)
		require.ErrorIs(t, err, fault.DataLoss, "%#x", addr)
	}
}

// TestCommitted has a datatype in another object, and one in the heap of shared messages.
func TestCommitted(t *testing.T) {
	_, o, _ := fixture(t, "plain_earliest", "/committed")
	require.Equal(t, uint8(6), o.Type[0]&15, "compound")
	_, shared, _ := fixture(t, "shared", "/fill")
	_, own, _ := fixture(t, "plain_latest", "/fill")
	require.Equal(t, own.Type, shared.Type)
	require.Equal(t, own.Fill, shared.Fill)
	require.Equal(t, own.Space, shared.Space)
}
