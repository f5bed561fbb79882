package convert

import (
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/stretchr/testify/require"
)

func intOf(size int, o h5type.Order) *h5type.Type {
	return &h5type.Type{Class: h5type.Integer, Size: size, Precision: 8 * size, Signed: true, Order: o}
}

func floatOf(size int, o h5type.Order) *h5type.Type {
	exp := map[int]int{2: 5, 4: 8, 8: 11}[size]
	mant := 8*size - 1 - exp
	return &h5type.Type{Class: h5type.Float, Size: size, Precision: 8 * size, Order: o, SignBit: 8*size - 1, ExpPos: mant,
		ExpSize: exp, ExpBias: 1<<(exp-1) - 1, MantSize: mant, MantNorm: 2}
}

func stringOf(size int) *h5type.Type {
	return &h5type.Type{Class: h5type.String, Size: size, Pad: h5type.NullPad}
}

// recordOf packs members named a, b, ..
func recordOf(types ...*h5type.Type) *h5type.Type {
	t := &h5type.Type{Class: h5type.Compound}
	for i, m := range types {
		t.Members = append(t.Members, h5type.Member{Name: string(rune('a' + i)), Offset: t.Size, Type: m})
		t.Size += m.Size
	}
	return t
}

// twelve is a table row of 64 bytes.
func twelve() *h5type.Type {
	le := h5type.LittleEndian
	return recordOf(floatOf(8, le), floatOf(8, le), intOf(8, le), floatOf(4, le), floatOf(4, le), intOf(4, le), intOf(4, le),
		intOf(2, le), intOf(2, le), &h5type.Type{Class: h5type.Bitfield, Size: 1, Precision: 8}, intOf(1, le), stringOf(18))
}

func BenchmarkPut(b *testing.B) {
	be := h5type.BigEndian
	for _, c := range []struct {
		name    string
		typ     *h5type.Type
		fields  []string
		options Options
		back    bool
	}{
		{name: "table", typ: twelve()},
		{name: "table/2 of 12", typ: twelve(), fields: []string{"a", "d"}},
		{name: "table/rows layout", typ: twelve(), options: Options{Layout: "rows"}},
		{name: "table/backwards", typ: twelve(), back: true},
		{name: "float32", typ: floatOf(4, h5type.LittleEndian)},
		{name: "float32 big-endian", typ: floatOf(4, be)},
		{name: "string", typ: stringOf(16)},
		{name: "bfloat16", typ: &h5type.Type{Class: h5type.Float, Size: 2, Precision: 16, SignBit: 15, ExpPos: 7, ExpSize: 8, ExpBias: 127, MantSize: 7, MantNorm: 2}},
		{name: "int24", typ: intOf(3, h5type.LittleEndian)},
	} {
		for _, form := range []string{"elements", "planes"} {
			b.Run(fmt.Sprintf("%s/%s", c.name, form), func(b *testing.B) {
				benchmarkPut(b, Source{Type: c.typ, Name: "x", Class: "TABLE"}, c.fields, c.options, form == "planes", c.back)
			})
		}
	}
}

// recycler gives the same memory again and again, as a pool does.
type recycler struct{ free map[int][][]byte }

func (r *recycler) Allocate(n int) []byte {
	if f := r.free[n]; len(f) > 0 {
		r.free[n] = f[:len(f)-1]
		return f[len(f)-1]
	}
	return memory.DefaultAllocator.Allocate(n)
}

func (r *recycler) Reallocate(n int, b []byte) []byte {
	out := r.Allocate(n)
	copy(out, b)
	r.Free(b)
	return out
}

func (r *recycler) Free(b []byte) { r.free[len(b)] = append(r.free[len(b)], b) }

// benchmarkPut makes a batch of 1 MiB in chunks of 128 KiB.
func benchmarkPut(b *testing.B, s Source, fields []string, o Options, shuffled, back bool) {
	p, err := Compile(s, fields, o)
	require.NoError(b, err)
	n := (128 << 10) / s.Type.Size
	e := Elems{Data: make([]byte, n*s.Type.Size), N: n, Size: s.Type.Size}
	if shuffled {
		e.Planes = n
	}
	for i := range e.Data {
		e.Data[i] = byte(i) & 0x7f
	}
	step := 1
	if back {
		step = -1
	}
	mem := &recycler{map[int][][]byte{}}
	b.SetBytes(int64(8 * len(e.Data)))
	for b.Loop() {
		batch := p.NewBatch(mem, 8*n, nil, 0)
		for k := range 8 {
			at := k * n
			if back {
				at += n - 1
			}
			if err := batch.Put(at, step, e, 0, 1, n); err != nil {
				b.Fatal(err)
			}
		}
		r, err := batch.Record()
		if err != nil {
			b.Fatal(err)
		}
		r.Release()
	}
}
