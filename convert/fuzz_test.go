package convert

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/arrowtest"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/stretchr/testify/require"
)

// wildHeap answers with bytes of the input, as many as the index says.
type wildHeap struct{ data []byte }

func (h wildHeap) Heap(addr uint64, index uint32) ([]byte, error) {
	at := int(addr % uint64(len(h.data)+1))
	return h.data[at:min(len(h.data), at+int(index%4096))], nil
}

func (h wildHeap) RefName(addr uint64) (string, bool, error) {
	at := int(addr % uint64(len(h.data)+1))
	return string(h.data[at:min(len(h.data), at+9)]), addr%3 > 0, nil
}

// wildSource and wildOptions make something of two numbers.
func wildSource(t *h5type.Type, n uint16) Source {
	s := Source{Name: "x", Type: t, OffsetSize: 2 << (n % 3)}
	s.Inner = [][]int{nil, {2}, {1, 2}, {0}, {3, 0, 2}}[n/3%5]
	s.Class = []string{"", "TABLE", "CARRAY", "VLARRAY"}[n/15%4]
	s.Pseudo = []string{"", "vlstring", "vlunicode", "object"}[n/60%4]
	return s
}

func wildOptions(n uint8) Options {
	pick := func(bit uint8, value string) string {
		if n&bit != 0 {
			return value
		}
		return ""
	}
	return Options{Strings: pick(1, "binary"), Enum: pick(2, "int"), Time: pick(4, "numeric"), Tensors: pick(8, "nested"),
		Layout: pick(16, "rows"), Plain: n&32 != 0}
}

// FuzzConvert: no type and no bytes make it panic, leak or take memory beyond measure, and it does not matter in what
// form the elements come.
func FuzzConvert(f *testing.F) {
	cases, _ := loadCases(f)
	for i, c := range cases {
		f.Add(c.message, c.elems.Data[:min(len(c.elems.Data), 600)], uint16(i*7), uint8(i))
		f.Add(c.message, c.elems.Data[:min(len(c.elems.Data), 600)], uint16(2), uint8(i*3))
	}
	f.Fuzz(func(t *testing.T, msg, data []byte, source uint16, options uint8) {
		typ, err := h5type.Parse(msg)
		if err != nil {
			return
		}
		s := wildSource(typ, source)
		for _, c := range s.Columns() {
			require.NotNil(t, c.Type)
		}
		p, err := Compile(s, nil, wildOptions(options))
		if err != nil {
			require.Equal(t, fault.Unsupported, fault.Of(err), "%v", err)
			return
		}
		rows := min(len(data)/typ.Size, 50)
		if p.ElemsPerRow() > 0 {
			rows /= p.ElemsPerRow()
		}
		if p.BatchBytes(rows) > 64<<20 {
			return
		}
		n := rows * p.ElemsPerRow()
		e := Elems{Data: data[:n*typ.Size], N: n, Size: typ.Size}
		want, err := fill(t, p, rows, data, func(b *Batch) error { return b.Put(0, 1, e, 0, 1, n) })
		if want != nil {
			defer want.Release()
		}
		for _, put := range []func(b *Batch) error{
			func(b *Batch) error { return b.Put(0, 1, shuffle(e), 0, 1, n) },
			func(b *Batch) error { return b.Put(n-1, -1, reverse(e), 0, 1, n) },
			func(b *Batch) error { return shuffled(b, shuffle(e)) },
		} {
			got, otherErr := fill(t, p, rows, data, put)
			require.Equal(t, fault.Of(err), fault.Of(otherErr))
			if got != nil {
				require.True(t, arrowtest.Same(want, got))
				got.Release()
			}
		}
		for _, r := range p.Ranges() {
			require.True(t, 0 <= r[0] && r[0] < r[1] && r[1] <= typ.Size)
		}
	})
}

func fill(t *testing.T, p *Program, rows int, data []byte, put func(b *Batch) error) (arrow.Record, error) {
	b := p.NewBatch(memory.NewGoAllocator(), rows, wildHeap{data}, 0)
	defer b.Release()
	if rows*p.ElemsPerRow() > 0 {
		require.NoError(t, put(b))
	}
	r, err := b.Record()
	if err != nil {
		require.NotNil(t, fault.Of(err), "%v", err)
	}
	return r, err
}
