package gheap_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// fixture is a line of testdata/values.json.gz: a contiguous dataset of variable-length bytes.
type fixture struct {
	Name   string
	Addr   uint64
	Values []string
}

// reference is an element in the file.
type reference struct {
	length uint32
	addr   uint64
	index  uint32
}

func fixtures(t testing.TB) []fixture {
	var all []fixture
	for line := range strings.Lines(string(unzip(t, "values.json"))) {
		var f fixture
		require.NoError(t, json.Unmarshal([]byte(line), &f))
		all = append(all, f)
	}
	return all
}

func (f fixture) bytes(t testing.TB) []byte { return unzip(t, f.Name+".h5") }

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

func (f fixture) references(t testing.TB, h5 *h5file.File, b []byte) []reference {
	o, err := chunkindex.Open(h5, f.Addr)
	require.NoError(t, err)
	refs := make([]reference, len(f.Values))
	at := b[o.Layout.Addr:]
	for i := range refs {
		r := &refs[i]
		r.length = binary.LittleEndian.Uint32(at)
		r.addr = binary.LittleEndian.Uint64(at[4:])
		if h5.SizeOfOffsets == 4 {
			r.addr &= 1<<32 - 1
		}
		at = at[4+h5.SizeOfOffsets:]
		r.index = binary.LittleEndian.Uint32(at)
		at = at[4:]
	}
	return refs
}

func open(t testing.TB, b []byte) *h5file.File {
	h5, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	return h5
}

// TestObject reads every value, with caches from none to all.
func TestObject(t *testing.T) {
	for _, f := range fixtures(t) {
		for _, cache := range []int64{0, 10000, 1 << 20} {
			b := f.bytes(t)
			h5 := open(t, b)
			h := gheap.New(h5, cache)
			for i, r := range f.references(t, h5, b) {
				got, err := h.Object(r.addr, r.index)
				require.NoError(t, err)
				require.Equal(t, f.Values[i], hex.EncodeToString(got[:r.length]), "%s: value %d", f.Name, i)
				require.Equal(t, len(got), cap(got), "appending to a value must not reach its neighbour")
			}
		}
	}
}

// TestConcurrent shares a heap whose cache holds less than is read.
func TestConcurrent(t *testing.T) {
	f := fixtures(t)[0]
	b := f.bytes(t)
	h5 := open(t, b)
	refs := f.references(t, h5, b)
	h := gheap.New(h5, 5000)
	var wg sync.WaitGroup
	errs := make(chan error, 4*len(refs))
	for g := range 4 {
		wg.Go(func() {
			for i := range refs {
				r := refs[(i*7+g)%len(refs)]
				_, err := h.Object(r.addr, r.index)
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

// counting counts reads.
type counting struct {
	io.ReaderAt
	reads int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(p, off)
}

// TestCache reads values in order twice: a cache that holds all reads each collection once.
func TestCache(t *testing.T) {
	f := fixtures(t)[0]
	b := f.bytes(t)
	h5 := open(t, b)
	refs := f.references(t, h5, b)
	collections := map[uint64]bool{}
	for _, r := range refs {
		collections[r.addr] = true
	}
	delete(collections, 0)
	require.Greater(t, len(collections), 1)
	for cache, passes := range map[int64]int{0: 2, 1 << 20: 1} {
		r := &counting{ReaderAt: bytes.NewReader(b)}
		h5, err := h5file.Open(r, int64(len(b)))
		require.NoError(t, err)
		r.reads = 0
		h := gheap.New(h5, cache)
		for range 2 {
			for _, ref := range refs {
				_, err := h.Object(ref.addr, ref.index)
				require.NoError(t, err)
			}
		}
		require.GreaterOrEqual(t, r.reads, 2*passes*len(collections), "header and body of each")
		if passes == 1 {
			require.Equal(t, 2*len(collections), r.reads)
		}
	}
}

func TestNull(t *testing.T) {
	b := fixtures(t)[0].bytes(t)
	h := gheap.New(open(t, b), 0)
	for _, r := range []reference{{addr: 0, index: 1}, {addr: h5file.Undefined, index: 1}, {addr: 99, index: 0}} {
		got, err := h.Object(r.addr, r.index)
		require.NoError(t, err)
		require.Nil(t, got)
	}
}

func TestDamage(t *testing.T) {
	f := fixtures(t)[0]
	good := f.bytes(t)
	h5 := open(t, good)
	var ref reference
	for _, r := range f.references(t, h5, good) {
		if r.length == 100 {
			ref = r
		}
	}
	require.NotZero(t, ref.addr)
	for name, c := range map[string]struct {
		break_  func(b []byte) []byte
		addr    uint64
		index   uint32
		message string
	}{
		"no such index":    {addr: ref.addr, index: 60000, message: "no such object"},
		"index past 16":    {addr: ref.addr, index: 1 << 31, message: "no such object"},
		"no collection":    {addr: ref.addr + 8, index: 1, message: "none there"},
		"past the end":     {addr: uint64(len(good)) - 3, index: 1, message: "beyond the end"},
		"address overflow": {addr: 1<<64 - 2, index: 1, message: "beyond the end"},
		"size": {break_: func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[ref.addr+8:], 1<<31)
			return b
		}, addr: ref.addr, index: ref.index, message: "beyond the end"},
		"size over 4 GiB": {break_: func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[ref.addr+8:], 1<<60)
			return b
		}, addr: ref.addr, index: ref.index, message: "size"},
		"object size": {break_: func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[ref.addr+24:], 1<<40)
			return b
		}, addr: ref.addr, index: ref.index, message: "exceeds it"},
		"truncated": {break_: func(b []byte) []byte { return b[:ref.addr+100] }, addr: ref.addr, index: ref.index, message: "file is truncated"},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(good)
			if c.break_ != nil {
				b = c.break_(b)
			}
			h := gheap.New(open(t, b), 0)
			_, err := h.Object(c.addr, c.index)
			require.ErrorIs(t, err, fault.DataLoss)
			require.ErrorContains(t, err, c.message)
		})
	}
}

// TestShrunk is a file that got shorter than it was when opened.
func TestShrunk(t *testing.T) {
	f := fixtures(t)[0]
	b := f.bytes(t)
	h5 := open(t, b)
	ref := f.references(t, h5, b)[5]
	shrunk, err := h5file.Open(bytes.NewReader(b[:ref.addr+20]), int64(len(b)))
	require.NoError(t, err)
	h := gheap.New(shrunk, 0)
	_, err = h.Object(ref.addr, ref.index)
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func FuzzObject(f *testing.F) {
	for _, x := range fixtures(f) {
		b := x.bytes(f)
		at := bytes.Index(b, []byte("GCOL"))
		f.Add(b[at:at+4096], uint32(3))
	}
	superblock := fixtures(f)[0].bytes(f)[:96]
	f.Fuzz(func(t *testing.T, b []byte, index uint32) {
		b = append(bytes.Clone(superblock), b...)
		h5, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err)
		h := gheap.New(h5, 100)
		got, err := h.Object(uint64(len(superblock)), index)
		require.LessOrEqual(t, len(got), len(b))
		if err != nil {
			require.ErrorIs(t, err, fault.DataLoss)
		}
	})
}
