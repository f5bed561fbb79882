package h5file_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/h5test"
)

// open is a file whose metadata is in f.
func open(t testing.TB, b []byte) *h5file.File {
	f, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	return f
}

func finished(t testing.TB, f *h5test.File) *h5file.Source {
	return open(t, f.Finish(h5test.Undefined, h5test.Undefined)).Source()
}

func fixture(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("../objects/testdata", name+".h5"))
	require.NoError(t, err)
	return b
}

// TestSuperblock: versions, widths, user blocks; the root's header is where it says.
func TestSuperblock(t *testing.T) {
	for name, want := range map[string]h5file.File{
		"symbol_table":  {Version: 0, SizeOfOffsets: 8, SizeOfLengths: 8},
		"modern":        {Version: 3, SizeOfOffsets: 8, SizeOfLengths: 8},
		"small_offsets": {Version: 0, Base: 512, SizeOfOffsets: 4, SizeOfLengths: 4},
		"wide_lengths":  {Version: 3, SizeOfOffsets: 2, SizeOfLengths: 8},
	} {
		b := fixture(t, name)
		f := open(t, b)
		require.Equal(t, []any{want.Base, want.SizeOfOffsets, want.SizeOfLengths}, []any{f.Base, f.SizeOfOffsets, f.SizeOfLengths}, name)
		require.Equal(t, want.Version >= 2, f.Version >= 2, name)
		require.Equal(t, uint64(len(b)), f.EOF, name)
		_, err := f.Source().Header(f.Root)
		require.NoError(t, err, name)
	}
}

// TestCutShort: of every file cut anywhere nothing but an error comes, or what is before the cut.
func TestCutShort(t *testing.T) {
	for _, name := range []string{"modern", "cache_image", "small_offsets", "shared_messages"} {
		b := fixture(t, name)
		for n := 0; n < len(b); n += 7 {
			f, err := h5file.Open(bytes.NewReader(b[:n]), int64(n))
			if err == nil {
				_, err = f.Source().Header(f.Root)
			}
			if err != nil {
				require.Equal(t, fault.DataLoss, fault.Of(err), "%s cut to %d: %v", name, n, err)
			}
		}
	}
}

// TestHeaders: messages of both versions, over continuations, in their order.
func TestHeaders(t *testing.T) {
	f := h5test.New()
	text := func(s string) []byte { return h5test.Message(h5file.MsgComment, 0, []byte(s)) }
	third := f.Put(text("eeeeeeee"))
	second := f.Put(text("cccccccc"), h5test.Message(0x10, 0, h5test.U64(third, 16)), text("dddddddd"))
	one := f.Header(text("aaaaaaaa"), h5test.Message(0x10, 0, h5test.U64(second, 16+24+16)), text("bbbbbbbb"), []byte{1, 2, 3})
	more := f.Put(h5test.Checked(h5test.Join([]byte("OCHK\x0d\x03\x00\x00\x00\x00yyy"), []byte{9}))) // a gap before the checksum
	body := h5test.Join([]byte("\x0d\x03\x00\x00\x00\x00xxx\x10\x10\x00\x00\x00\x00"), h5test.U64(more, 18))
	two := f.Put(h5test.Checked(h5test.Join([]byte("OHDR\x02\x35"), make([]byte, 16+4), h5test.U16(uint16(len(body))), body)))
	unknown := f.Header(h5test.Message(0x99, 0x80, nil))
	s := finished(t, f)
	for addr, want := range map[uint64][]string{one: {"aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd", "eeeeeeee"}, two: {"xxx", "yyy"}} {
		h, err := s.Header(addr)
		require.NoError(t, err)
		var got []string
		for _, m := range h.Messages {
			got = append(got, string(m.Data))
		}
		require.Equal(t, want, got)
		require.True(t, h.Has(h5file.MsgComment))
		require.False(t, h.Has(h5file.MsgType))
		b, err := s.Find(h, h5file.MsgType)
		require.NoError(t, err)
		require.Nil(t, b)
	}
	_, err := s.Header(unknown)
	require.Equal(t, fault.Unsupported, fault.Of(err))
	_, err = s.Header(third)
	require.Equal(t, fault.DataLoss, fault.Of(err))
}

// doubling writes the blocks of a heap whose bytes say where they are: direct ones of 512 bytes, two a row.
type doubling struct {
	f    *h5test.File
	pipe bool
}

func (d doubling) indirect(rows int, first uint64) uint64 {
	var entries []byte
	for row := range rows {
		size := uint64(512) << max(row-1, 0)
		for range 2 {
			if row < 2 {
				entries = append(entries, d.direct(first)...)
			} else {
				entries = append(entries, h5test.U64(d.indirect(row-1, first))...)
			}
			first += size
		}
	}
	return d.f.Put(h5test.Checked(h5test.Join([]byte("FHIB\x00"), h5test.U64(0), make([]byte, 4), entries)))
}

func (d doubling) direct(first uint64) []byte {
	b := places(first, 512)
	if !d.pipe {
		return h5test.U64(d.f.Put(b))
	}
	shuffled := make([]byte, 0, 512) // filter 2 by four bytes
	for k := range 4 {
		for i := k; i < len(b); i += 4 {
			shuffled = append(shuffled, b[i])
		}
	}
	return h5test.Join(h5test.U64(d.f.Put(shuffled), 512), h5test.U32(0))
}

// places are n bytes of a heap from an offset on, where each eight say theirs.
func places(at uint64, n int) (b []byte) {
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, (at+uint64(len(b)))*0x9e3779b97f4a7c15)
	}
	return b
}

// TestManaged: objects in blocks of several levels, filtered or not.
func TestManaged(t *testing.T) {
	for _, pipe := range []bool{false, true} {
		f := h5test.New()
		h := h5test.Heap{Width: 2, Rows: 6, IDLength: 7, Start: 512, Most: 512, Huge: h5test.Undefined}
		if pipe {
			h.Pipeline = h5test.Join([]byte{2, 1}, h5test.U16(2, 0, 1), h5test.U32(4))
		}
		h.Root = doubling{f, pipe}.indirect(6, 0)
		at := f.Heap(h)
		s := finished(t, f)
		s.Grant(1 << 30)
		heap, err := s.Heap(at)
		require.NoError(t, err)
		end := uint64(2 * (512 + 512 + 1024 + 2048 + 4096 + 8192))
		for offset := uint64(0); offset < end; offset += 56 {
			n := min(uint64(64), 512-offset%512)
			got, err := heap.Object(h5test.Managed(offset, uint16(n), 7))
			require.NoError(t, err, offset)
			require.Equal(t, places(offset&^7, 128)[offset%8:][:n], got, offset)
		}
		for _, id := range [][]byte{h5test.Managed(end, 1, 7), h5test.Managed(500, 13, 7), h5test.Managed(1<<32-1, 1, 7), {0}, {0x30}, {0x40}, {}} {
			_, err := heap.Object(id)
			require.Equal(t, fault.DataLoss, fault.Of(err), id)
		}
	}
}

// TestTiny: objects in their ids, of both lengths.
func TestTiny(t *testing.T) {
	f := h5test.New()
	short := f.Heap(h5test.Heap{Width: 2, IDLength: 8, Start: 512, Most: 512, Root: h5test.Undefined, Huge: h5test.Undefined})
	long := f.Heap(h5test.Heap{Width: 2, IDLength: 40, Start: 512, Most: 512, Root: h5test.Undefined, Huge: h5test.Undefined})
	s := finished(t, f)
	heap, err := s.Heap(short)
	require.NoError(t, err)
	got, err := heap.Object([]byte{0x22, 'a', 'b', 'c', 0, 0, 0, 0})
	require.NoError(t, err)
	require.Equal(t, "abc", string(got))
	_, err = heap.Object([]byte{0x27, 'a', 'b', 'c', 0, 0, 0, 0})
	require.Equal(t, fault.DataLoss, fault.Of(err))
	heap, err = s.Heap(long)
	require.NoError(t, err)
	got, err = heap.Object(append([]byte{0x20, 29}, bytes.Repeat([]byte("x"), 38)...))
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte("x"), 30), got)
	_, err = heap.Object(append([]byte{0x21, 29}, bytes.Repeat([]byte("x"), 38)...))
	require.Equal(t, fault.DataLoss, fault.Of(err))
}

// TestHuge: objects by themselves, found by their id or by a B-tree.
func TestHuge(t *testing.T) {
	f := h5test.New()
	object := bytes.Repeat([]byte("huge"), 2000)
	at := f.Put(object)
	tree := f.Tree2(1, 24, h5test.U64(at, 8000, 3), h5test.U64(at, 4, 5), h5test.U64(at+4, 12, 9))
	byKey := f.Heap(h5test.Heap{Width: 2, IDLength: 8, Start: 512, Most: 512, Root: h5test.Undefined, Huge: tree})
	direct := f.Heap(h5test.Heap{Width: 2, IDLength: 17, Start: 512, Most: 512, Root: h5test.Undefined, Huge: h5test.Undefined})
	s := finished(t, f)
	s.Grant(1 << 20)
	heap, err := s.Heap(byKey)
	require.NoError(t, err)
	for key, n := range map[uint64]int{3: 8000, 5: 4, 9: 12} {
		got, err := heap.Object(h5test.HugeID(key, 8))
		require.NoError(t, err)
		require.Equal(t, object[:n], got)
	}
	for _, key := range []uint64{0, 4, 10} {
		_, err := heap.Object(h5test.HugeID(key, 8))
		require.Equal(t, fault.DataLoss, fault.Of(err))
	}
	heap, err = s.Heap(direct)
	require.NoError(t, err)
	got, size, err := heap.Beginning(h5test.Join([]byte{0x10}, h5test.U64(at, 8000)), 100)
	require.NoError(t, err)
	require.Equal(t, uint64(8000), size)
	require.Equal(t, object[:100], got)
	_, err = heap.Object(h5test.Join([]byte{0x10}, h5test.U64(at, 1<<40)))
	require.Equal(t, fault.DataLoss, fault.Of(err))
}

// tree writes the node of a B-tree of a depth whose records are numbers from first on, every second one, in nodes of 74
// bytes: eight records in a leaf, two beside their pointers. It gives the record after.
func tree(f *h5test.File, depth int, first uint64) (addr, next uint64) {
	if depth == 0 {
		return f.Put(h5test.Checked(h5test.Join([]byte("BTLF\x00\x07"), h5test.U64(first, first+2, first+4)))), first + 6
	}
	var records, pointers []byte
	for i := range 3 {
		child, after := tree(f, depth-1, first)
		n := byte(3)
		if depth > 1 {
			n = 2
		}
		pointers = h5test.Join(pointers, h5test.U64(child), []byte{n}, make([]byte, min(depth-1, 1)))
		if first = after; i < 2 {
			records = append(records, h5test.U64(first)...)
			first += 2
		}
	}
	return f.Put(h5test.Checked(h5test.Join([]byte("BTIN\x00\x07"), records, pointers))), first
}

// TestTree2: a walk gives all in order, a search what is there and nothing else.
func TestTree2(t *testing.T) {
	for depth := range 4 {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			f := h5test.New()
			root, end := tree(f, depth, 100)
			n := uint16(3)
			if depth > 0 {
				n = 2
			}
			at := f.Tree2Header(7, 8, uint16(depth), root, n, 74)
			s := finished(t, f)
			s.Grant(1 << 30)
			x, err := s.Tree2(at)
			require.NoError(t, err)
			all, err := x.All()
			require.NoError(t, err)
			for i, record := range all {
				require.Equal(t, uint64(100+2*i), binary.LittleEndian.Uint64(record))
			}
			require.Len(t, all, int(end-100)/2)
			for key := uint64(98); key < end+2; key++ {
				got, err := x.Search(func(r []byte) (int, error) { return cmp.Compare(key, binary.LittleEndian.Uint64(r)), nil })
				require.NoError(t, err)
				require.Equal(t, key%2 == 0 && key >= 100 && key < end, got != nil, key)
			}
			_, err = x.Search(func([]byte) (int, error) { return 0, os.ErrClosed })
			require.ErrorIs(t, err, os.ErrClosed)
		})
	}
}

// TestEmptyTree2: a tree without records has none.
func TestEmptyTree2(t *testing.T) {
	f := h5test.New()
	at := f.Tree2Header(7, 8, 0, h5test.Undefined, 0, 74)
	x, err := finished(t, f).Tree2(at)
	require.NoError(t, err)
	all, err := x.All()
	require.NoError(t, err)
	require.Empty(t, all)
	got, err := x.Search(func([]byte) (int, error) { return 0, nil })
	require.NoError(t, err)
	require.Nil(t, got)
}

// TestImage: what is in the image is read from there, the rest from its place.
func TestImage(t *testing.T) {
	f := h5test.New()
	elsewhere := f.Put(make([]byte, 100))
	header := h5test.Join([]byte{1, 0}, h5test.U16(1), h5test.U32(1, 24, 0), h5test.Message(h5file.MsgComment, 0, []byte("from image")))
	entry := h5test.Join(make([]byte, 8), h5test.U16(2), make([]byte, 4), h5test.U64(elsewhere, uint64(len(header)), 7, 8), header) // of two parents
	image := h5test.Checked(h5test.Join([]byte("MDCI\x00\x00"), h5test.U64(0), h5test.U32(1), entry))
	at := f.Put(image)
	for _, tt := range []struct {
		size uint64
		kind error
	}{{uint64(len(image)), nil}, {uint64(len(image) - 1), fault.DataLoss}, {1 << 40, fault.DataLoss}} {
		ext := f.Header(h5test.Message(h5file.MsgImage, 0, h5test.Join([]byte{0}, h5test.U64(at, tt.size))))
		b := f.Finish(elsewhere, ext)
		file, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
		require.Equal(t, tt.kind, fault.Of(err), "%v", err)
		if err == nil {
			h, err := file.Source().Header(elsewhere)
			require.NoError(t, err)
			require.Equal(t, "from image", string(h.Messages[0].Data[:10]))
		}
	}
	ext := f.Header(h5test.Message(h5file.MsgImage, 0, nil))
	b := f.Finish(elsewhere, ext)
	_, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
	require.Equal(t, fault.DataLoss, fault.Of(err), "a message that is cut off is no message of no image")
}

// TestSharedOnce: a type that many share is read once, however long it is.
func TestSharedOnce(t *testing.T) {
	f := h5test.New()
	at := f.Header(h5test.Message(h5file.MsgType, 0, make([]byte, 10_000)))
	s := finished(t, f)
	for range 1000 {
		b, err := s.Resolve(h5file.Message{Type: h5file.MsgType, Flags: h5file.SharedFlag, Data: h5test.Join([]byte{3, 2}, h5test.U64(at))})
		require.NoError(t, err)
		require.Len(t, b, 10_000)
	}
}

// TestLocalHeap: names, and no heap.
func TestLocalHeap(t *testing.T) {
	f := h5test.New()
	at := f.LocalHeap([]byte("a\x00bc\x00"))
	s := finished(t, f)
	b, err := s.LocalHeap(at)
	require.NoError(t, err)
	require.Equal(t, "a\x00bc\x00", string(b))
	_, err = s.LocalHeap(at - 8)
	require.Equal(t, fault.DataLoss, fault.Of(err))
}
