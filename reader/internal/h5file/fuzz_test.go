package h5file

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// expected checks that an error is one that a file can cause.
func expected(t testing.TB, err error) {
	if err != nil {
		kind := fault.Of(err)
		require.True(t, kind == fault.DataLoss || kind == fault.Unsupported, "%v", err)
	}
}

// structures are where a file has what can be read at an address.
func structures(b []byte) (addrs []uint64) {
	for _, signature := range []string{"OHDR", "FRHP", "BTHD", "HEAP", "MDCI", "SMTB"} {
		for at := 0; ; at++ {
			i := bytes.Index(b[at:], []byte(signature))
			if i < 0 {
				break
			}
			at += i
			addrs = append(addrs, uint64(at))
		}
	}
	return addrs
}

// FuzzOpen takes a whole file and an address, at which it looks for everything, with checksums and without.
func FuzzOpen(f *testing.F) {
	names, err := filepath.Glob("../objects/testdata/*.h5")
	require.NoError(f, err)
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		if len(b) > 10_000 {
			continue
		}
		for _, addr := range structures(b)[:min(4, len(structures(b)))] {
			f.Add(b, addr, []byte{0, 22, 0, 0, 0, 30, 0, 0})
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, addr uint64, id []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			expected(t, err)
			return
		}
		_ = file.Driver()
		for _, unchecked := range []bool{false, true} {
			if unchecked {
				file.IgnoreChecksums()
			}
			readAll(t, file, addr, id)
		}
	})
}

func readAll(t *testing.T, file *File, addr uint64, id []byte) {
	s := file.Source()
	h, err := s.Header(addr)
	expected(t, err)
	if err == nil {
		readMessages(t, file.Source(), h)
	}
	_, err = file.Source().LocalHeap(addr)
	expected(t, err)
	if heap, err := file.Source().Heap(addr); err == nil {
		o, err := heap.Object(id)
		expected(t, err)
		require.LessOrEqual(t, uint64(len(o)), max(file.Size(), maxUnfiltered))
		_, size, err := heap.Beginning(id, 10)
		expected(t, err)
		require.True(t, err != nil || size >= uint64(min(len(o), 10)))
	} else {
		expected(t, err)
	}
	if tree, err := file.Source().Tree2(addr); err == nil {
		records, err := tree.All()
		expected(t, err)
		for _, r := range records {
			require.Len(t, r, int(tree.RecordSize))
		}
		_, err = tree.Search(func(r []byte) (int, error) { return bytes.Compare(id, r), nil })
		expected(t, err)
	} else {
		expected(t, err)
	}
}

func readMessages(t *testing.T, s *Source, h *Header) {
	for _, m := range h.Messages {
		b, err := s.Resolve(m)
		expected(t, err)
		switch m.Type {
		case MsgSpace:
			space, err := s.File.ParseSpace(b)
			expected(t, err)
			_, _ = space.Elements()
		case MsgFilters:
			_, err = s.File.ParseFilters(b)
			expected(t, err)
		}
	}
}
