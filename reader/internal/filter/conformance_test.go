package filter

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math/rand"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// chunk is a case of testdata/*.zip: what a reference implementation stored and what it decodes to.
type chunk struct {
	Name    string
	Filters []struct {
		ID     uint16
		Params []uint32
	}
	Mask            uint32
	Elem            int
	Stored, Decoded string // names of members; after load the bytes themselves
}

func (c chunk) specs() (specs []Spec) {
	for _, f := range c.Filters {
		specs = append(specs, Spec{ID: f.ID, Params: f.Params})
	}
	return specs
}

func load(t testing.TB, path string) []chunk {
	z, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer z.Close()
	member := func(name string) string {
		f, err := z.Open(name)
		require.NoError(t, err)
		b, err := io.ReadAll(f)
		require.NoError(t, err)
		return string(b)
	}
	var list []chunk
	require.NoError(t, json.Unmarshal([]byte(member("cases.json")), &list))
	for i := range list {
		list[i].Stored, list[i].Decoded = member(list[i].Stored), member(list[i].Decoded)
	}
	return list
}

// chunks calls f with every chunk of every filter that this build decodes. Of the others it checks the refusal.
func chunks(t testing.TB, f func(filter string, c chunk)) {
	paths, err := filepath.Glob("testdata/*.zip")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		for _, c := range load(t, path) {
			if refused(t, c) {
				continue
			}
			f(strings.TrimSuffix(filepath.Base(path), ".zip"), c)
		}
	}
}

func refused(t testing.TB, c chunk) bool {
	for _, e := range registry {
		for _, spec := range c.specs() {
			if e.info.ID == spec.ID && e.info.Code == "" {
				_, err := New(c.specs(), c.Elem)
				require.ErrorIs(t, err, fault.Unsupported)
				require.ErrorContains(t, err, e.info.Help)
				return true
			}
		}
	}
	return false
}

func flat(r Result) []byte {
	if r.Planes == 0 {
		return r.Data
	}
	out := make([]byte, len(r.Data))
	r.unshuffle(out)
	return out
}

func TestChunks(t *testing.T) {
	s := NewScratch(dirty, nil)
	chunks(t, func(filter string, c chunk) {
		t.Run(filter+"/"+c.Name, func(t *testing.T) {
			p := pipeline(t, c.Elem, c.specs()...)
			r, err := p.Decode(s, []byte(c.Stored), c.Mask, len(c.Decoded))
			require.NoError(t, err)
			require.True(t, bytes.Equal([]byte(c.Decoded), flat(r)), "decoded bytes differ")
			dst := dirty(len(c.Decoded))
			require.NoError(t, decodeInto(t, p, s, []byte(c.Stored), c.Mask, dst))
			require.True(t, bytes.Equal([]byte(c.Decoded), dst), "bytes decoded into their place differ")
		})
	})
}

// decodeInto is DecodeInto with a guard behind dst.
func decodeInto(t testing.TB, p *Pipeline, s *Scratch, src []byte, mask uint32, dst []byte) error {
	room := dirty(len(dst) + 64)
	err := p.DecodeInto(s, src, mask, room[:len(dst)])
	require.Equal(t, dirty(64), room[len(dst):], "bytes written behind the chunk")
	copy(dst, room)
	return err
}

// dirty allocates buffers that aren't zero, as a pool does.
func dirty(n int) []byte { return bytes.Repeat([]byte{0xa5}, n) }

// TestWrongSizes decodes with sizes the chunk doesn't have.
func TestWrongSizes(t *testing.T) {
	s := NewScratch(nil, nil)
	chunks(t, func(filter string, c chunk) {
		p := pipeline(t, c.Elem, c.specs()...)
		for _, n := range []int{0, len(c.Decoded) - 1, len(c.Decoded) + 1, 2*len(c.Decoded) + 16} {
			_, err := p.Decode(s, []byte(c.Stored), c.Mask, n)
			require.ErrorIs(t, err, fault.DataLoss, "%s/%s: %d bytes for %d", filter, c.Name, len(c.Decoded), n)
		}
	})
}

// TestTruncated cuts chunks. A codec may not miss the last bytes (they can be padding), but never reads past the end
// and never calls less than half of a chunk whole.
func TestTruncated(t *testing.T) {
	s := NewScratch(nil, nil)
	chunks(t, func(filter string, c chunk) {
		p := pipeline(t, c.Elem, c.specs()...)
		step := max(1, len(c.Stored)/40)
		for n := 0; n < len(c.Stored); n += step {
			cut := append(make([]byte, 0, n), c.Stored[:n]...)
			_, err := p.Decode(s, cut, c.Mask, len(c.Decoded))
			if n < len(c.Stored)/2 {
				require.ErrorIs(t, err, fault.DataLoss, "%s/%s: %d bytes of %d", filter, c.Name, n, len(c.Stored))
			}
		}
	})
}

// TestFlipped flips bits: the result is an error of kind DataLoss or has the right length.
func TestFlipped(t *testing.T) {
	s := NewScratch(nil, nil)
	rnd := rand.New(rand.NewSource(1))
	chunks(t, func(filter string, c chunk) {
		p := pipeline(t, c.Elem, c.specs()...)
		for i := range 60 {
			b := []byte(c.Stored)
			at := rnd.Intn(len(b))
			if i < 40 {
				at = i % len(b) // headers
			}
			b[at] ^= 1 << rnd.Intn(8)
			r, err := p.Decode(s, b, c.Mask, len(c.Decoded))
			if err != nil {
				requireKind(t, err)
				continue
			}
			require.Len(t, r.Data, len(c.Decoded), "%s/%s", filter, c.Name)
		}
	})
}

func requireKind(t testing.TB, err error) {
	t.Helper()
	require.Contains(t, []error{fault.DataLoss, fault.Unsupported}, fault.Of(err), err)
}

func TestConcurrentUse(t *testing.T) {
	chunks(t, func(filter string, c chunk) {
		p := pipeline(t, c.Elem, c.specs()...)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s := NewScratch(nil, nil)
				r, err := p.Decode(s, []byte(c.Stored), c.Mask, len(c.Decoded))
				if err != nil || !bytes.Equal(flat(r), []byte(c.Decoded)) {
					t.Errorf("%s/%s: %v", filter, c.Name, err)
				}
			})
		}
		wg.Wait()
	})
}

func FuzzDecode(f *testing.F) {
	seen := map[string]int{}
	chunks(f, func(filter string, c chunk) {
		if seen[filter]++; seen[filter]%7 != 1 || len(c.Filters) == 0 || len(c.Stored) > 8<<10 {
			return
		}
		last := c.Filters[len(c.Filters)-1]
		var params []byte
		for _, v := range last.Params {
			params = append(params, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
		f.Add(last.ID, params, uint8(c.Elem), uint32(len(c.Decoded)), []byte(c.Stored))
	})
	f.Add(uint16(307), []byte{}, uint8(1), uint32(20), sparseBzip2(20))
	f.Fuzz(func(t *testing.T, id uint16, params []byte, elem uint8, n uint32, stored []byte) {
		spec := Spec{ID: id}
		for ; len(params) >= 4; params = params[4:] {
			spec.Params = append(spec.Params, uint32(int32at(params, 0)))
		}
		if _, err := New([]Spec{spec}, int(elem)); err != nil {
			require.NotNil(t, fault.Of(err))
			return
		}
		want := int(n % (1 << 18))
		s := NewScratch(func(n int) []byte {
			require.LessOrEqual(t, n, 8*want+1<<20, "unbounded buffer")
			return make([]byte, n)
		}, nil)
		for _, specs := range [][]Spec{{spec}, {{ID: 3}, spec}, {{ID: 1}, spec}} {
			p, err := New(specs, int(elem))
			if err != nil {
				continue
			}
			if r, err := p.DecodeShort(s, stored, 0, want, want/2); err == nil {
				require.Len(t, r.Data, want)
			} else {
				requireKind(t, err)
			}
			r, err := p.Decode(s, stored, 0, want)
			if at, ok := bare(p, stored, 0, want); ok {
				require.NoError(t, err)
				require.True(t, bytes.Equal(flat(r), stored[at:at+int64(want)]), "Bare differs")
			}
			if err != nil {
				requireKind(t, err)
				requireKind(t, decodeInto(t, p, s, stored, 0, dirty(want)))
				continue
			}
			require.Len(t, r.Data, want)
			data, dst := bytes.Clone(flat(r)), dirty(want)
			require.NoError(t, decodeInto(t, p, s, stored, 0, dst))
			require.True(t, bytes.Equal(data, dst), "DecodeInto differs")
		}
	})
}

func bare(p *Pipeline, stored []byte, mask uint32, n int) (int64, bool) {
	return p.Verbatim(io.NewSectionReader(bytes.NewReader(stored), 0, int64(len(stored))), mask, int64(n))
}

// TestBare: what did not shrink lies in the stored chunk as it is, and is found there.
func TestBare(t *testing.T) {
	found := map[string]int{}
	chunks(t, func(filter string, c chunk) {
		p := pipeline(t, c.Elem, c.specs()...)
		at, ok := bare(p, []byte(c.Stored), c.Mask, len(c.Decoded))
		if ok {
			require.Equal(t, c.Decoded, c.Stored[at:at+int64(len(c.Decoded))], "%s/%s", filter, c.Name)
			found[filter]++
		} else if len(c.specs()) == 1 && strings.HasPrefix(filter, "blosc") && len(c.Decoded) > 0 {
			require.NotContains(t, c.Stored, c.Decoded, "%s/%s", filter, c.Name)
		}
	})
	require.NotZero(t, found["blosc"])
	require.NotZero(t, found["blosc2"])
	_, ok := bare(pipeline(t, 4, Spec{ID: 1}), make([]byte, 8), 1, 8)
	require.True(t, ok, "a filter that was skipped")
}

// TestBloscLeavesPlanes: shuffled blocks are left to the caller, and what is stored stays as it was.
func TestBloscLeavesPlanes(t *testing.T) {
	s := NewScratch(dirty, nil)
	left, groups := map[string]int{}, map[string]int{}
	chunks(t, func(filter string, c chunk) {
		if len(c.specs()) != 1 || !strings.HasPrefix(filter, "blosc") {
			return
		}
		stored := []byte(c.Stored)
		r, err := pipeline(t, c.Elem, c.specs()...).Decode(s, stored, c.Mask, len(c.Decoded))
		require.NoError(t, err)
		require.Equal(t, c.Stored, string(stored), c.Name)
		if r.Planes > 0 {
			left[filter]++
			if r.Planes*r.Elem < len(r.Data) {
				groups[filter]++
			}
		}
	})
	for _, filter := range []string{"blosc", "blosc2"} {
		require.NotZero(t, left[filter], filter)
		require.NotZero(t, groups[filter], filter)
	}
}
