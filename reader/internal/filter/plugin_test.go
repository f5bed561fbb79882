package filter

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// inverter is a plug-in that inverts bytes and fails at those that begin with 'f'. It counts its calls.
type inverter struct {
	calls int
	most  []int
	err   error
}

func (v *inverter) plugin(Spec) (Plugin, error) {
	return func(_ context.Context, chunks [][]byte, most int, out func(int) []byte) ([][]byte, error) {
		v.calls, v.most = v.calls+1, append(v.most, most)
		if v.err != nil {
			return nil, v.err
		}
		sum := 0
		for _, c := range chunks {
			sum += len(c)
		}
		room, undone := out(sum), make([][]byte, len(chunks))
		for i, c := range chunks {
			if c[0] == 'f' && len(chunks) == 1 {
				return nil, errors.New("its plug-in could not decode")
			}
			if c[0] == 'f' {
				continue
			}
			copy(room, inverted(c))
			undone[i], room = room[:len(c)], room[len(c):]
		}
		return undone, nil
	}, nil
}

func inverted(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i] ^= 0xff
	}
	return out
}

func (v *inverter) pipeline(t *testing.T, specs ...Spec) *Pipeline {
	p, err := NewWith(specs, 4, v.plugin)
	require.NoError(t, err)
	return p
}

var flip = Spec{ID: 399}

func TestPluginIsAStage(t *testing.T) {
	data := noise(4096)
	shuffle, sum := Spec{ID: 2, Params: []uint32{4}}, Spec{ID: 3}
	packed := zlibbed(t, inverted(data))
	for name, c := range map[string]struct {
		specs  []Spec
		stored []byte
		mask   uint32
		most   []int
	}{
		"alone":               {[]Spec{flip}, inverted(data), 0, []int{4096}},
		"masked":              {[]Spec{flip}, data, 1, nil},
		"deflate behind":      {[]Spec{flip, {ID: 1}}, packed, 0, []int{4096}},
		"deflate masked":      {[]Spec{flip, {ID: 1}}, inverted(data), 2, []int{4096}},
		"deflate before":      {[]Spec{{ID: 1}, flip}, inverted(zlibbed(t, data)), 0, []int{2*4096 + 64<<10}},
		"shuffle masked":      {[]Spec{shuffle, flip}, inverted(data), 1, []int{4096}},
		"twice":               {[]Spec{flip, flip}, data, 0, []int{2*4096 + 64<<10, 4096}},
		"beside a checksum":   {[]Spec{sum, flip}, inverted(append(bytes.Clone(data), checksum(data)...)), 0, []int{4100}},
		"unused, then itself": {[]Spec{{ID: Unused}, flip}, inverted(data), 1, []int{4096}},
	} {
		v := &inverter{}
		p, s := v.pipeline(t, c.specs...), NewScratch(dirty, nil)
		r, err := p.Decode(s, c.stored, c.mask, len(data))
		require.NoError(t, err, name)
		require.Equal(t, data, r.Data, name)
		require.Equal(t, c.most, v.most, name)
		dst := make([]byte, len(data))
		require.NoError(t, p.DecodeInto(s, c.stored, c.mask, dst), name)
		require.Equal(t, data, dst, name)
	}
}

func checksum(data []byte) []byte {
	sum := fletcher32Sum(data)
	return []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)}
}

func TestPluginsErrors(t *testing.T) {
	v := &inverter{}
	p := v.pipeline(t, flip)
	_, err := p.Decode(NewScratch(nil, nil), []byte("f..."), 0, 4)
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "filter: decode filter 399 (not registered): its plug-in could not decode")
	_, err = p.Decode(NewScratch(nil, nil), []byte("short"), 0, 40)
	require.ErrorContains(t, err, "5 bytes decoded where the chunk has 40")
	v.err = fault.New(fault.Unsupported, "gone")
	_, err = p.Decode(NewScratch(nil, nil), []byte("...."), 0, 4)
	require.ErrorIs(t, err, fault.Unsupported)
	v.err = context.Canceled
	_, err = p.Decode(NewScratch(nil, nil), []byte("...."), 0, 4)
	require.Equal(t, context.Canceled, err, "no fault of the file")
	_, err = NewWith([]Spec{flip}, 4, func(s Spec) (Plugin, error) { return nil, Undecoded(s, "none") })
	require.ErrorIs(t, err, fault.Unsupported)
	require.Equal(t, []string{"filter 399 (not registered)"}, p.Foreign())
}

// Many chunks are undone by one call; what cannot be is left to Decode.
func TestAhead(t *testing.T) {
	v := &inverter{}
	p := v.pipeline(t, Spec{ID: 2, Params: []uint32{4}}, flip)
	require.Equal(t, 1<<20/16, p.AheadOf(16))
	require.Equal(t, 1, p.AheadOf(1<<21))
	stored := [][]byte{inverted([]byte("0123456789abcdef")), []byte("f123456789abcdef"), []byte("0123456789abcdef"), inverted([]byte("short")), inverted([]byte("fedcba9876543210"))}
	chunks := []Encoded{{stored[0], 1}, {stored[1], 1}, {stored[2], 3}, {stored[3], 1}, {stored[4], 0}}
	s := NewScratch(dirty, nil)
	p.Ahead(s, chunks, 16)
	require.Equal(t, 1, v.calls)
	require.Equal(t, []Encoded{{[]byte("0123456789abcdef"), 3}, {stored[1], 1}, {stored[2], 3}, {stored[3], 1}, {[]byte("fedcba9876543210"), 2}}, chunks)
	for _, i := range []int{0, 2} {
		r, err := p.Decode(s, chunks[i].Src, chunks[i].Mask, 16)
		require.NoError(t, err)
		require.Equal(t, "0123456789abcdef", string(r.Data))
	}
	require.Equal(t, 1, v.calls)

	v.err = errors.New("died")
	again := []Encoded{{stored[0], 1}, {stored[4], 0}}
	p.Ahead(s, again, 16)
	require.Equal(t, []Encoded{{stored[0], 1}, {stored[4], 0}}, again)
	s.Release()

	for _, specs := range [][]Spec{nil, {flip, {ID: 3}}, {{ID: 1}}} { // not the first to be undone
		require.Equal(t, 1, (&inverter{}).pipeline(t, specs...).AheadOf(16))
	}
	q := v.pipeline(t, Spec{ID: 1}, flip) // whose output may have any size
	v.calls = 0
	q.Ahead(s, again, 16)
	require.Zero(t, v.calls)
}
