package convert

import (
	"bytes"
	"encoding/binary"
	"math"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/stretchr/testify/require"
)

func nested() Source {
	le := h5type.LittleEndian
	inner := recordOf(floatOf(4, le), intOf(8, le))
	return Source{Name: "t", Type: recordOf(intOf(4, le), inner, stringOf(4)), OffsetSize: 8}
}

func vlenOf(base *h5type.Type) *h5type.Type {
	return &h5type.Type{Class: h5type.VarLen, Size: 16, Base: base}
}

func TestColumns(t *testing.T) {
	var names []string
	for _, c := range nested().Columns() {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"a", "b", "b/a", "b/b", "c"}, names)
	require.Equal(t, Table, nested().Kind())
}

func TestUnknownColumn(t *testing.T) {
	_, err := Compile(nested(), []string{"b/c"}, Options{})
	require.ErrorIs(t, err, fault.NotFound)
	require.ErrorContains(t, err, `no column "b/c" (near: "b/b", "b/a")`)
}

func TestMetadata(t *testing.T) {
	pair := recordOf(floatOf(8, 0), floatOf(8, 0))
	pair.Members[0].Name, pair.Members[1].Name = "real", "imag"
	wide := &h5type.Type{Class: h5type.Float, Size: 16, Precision: 128, SignBit: 127, ExpPos: 112, ExpSize: 15, ExpBias: 16383, MantSize: 112, MantNorm: 2}
	for _, c := range []struct {
		source Source
		want   map[string]string
	}{
		{Source{Type: pair}, map[string]string{"hdf5.type": "complex", "complex": "true"}},
		{Source{Type: pair, Inner: []int{2}}, map[string]string{"hdf5.type": "array", "complex": "true"}},
		{Source{Type: wide}, map[string]string{"hdf5.type": "float", "lossy": "true"}},
		{Source{Type: vlenOf(intOf(2, 0)), OffsetSize: 8}, map[string]string{"hdf5.type": "vlen"}},
		{Source{Type: intOf(2, 0), Inner: []int{2, 3}}, map[string]string{"hdf5.type": "array",
			"ARROW:extension:name": "arrow.fixed_shape_tensor", "ARROW:extension:metadata": `{"shape":[2,3]}`}},
	} {
		p, err := Compile(c.source, nil, Options{})
		require.NoError(t, err)
		schema := p.Schema(arrow.NewMetadata([]string{"k"}, []string{"v"}))
		require.Equal(t, c.want, schema.Field(0).Metadata.ToMap())
		require.Equal(t, map[string]string{"k": "v"}, schema.Metadata().ToMap())
	}
}

func TestTableOfRealAndImagIsNoComplexNumber(t *testing.T) {
	pair := recordOf(floatOf(8, 0), floatOf(8, 0))
	pair.Members[0].Name, pair.Members[1].Name = "real", "imag"
	p, err := Compile(Source{Type: pair, Class: "TABLE"}, []string{"imag"}, Options{})
	require.NoError(t, err)
	require.Equal(t, [][2]int{{8, 16}}, p.Ranges())
}

func TestUnsupported(t *testing.T) {
	le := h5type.LittleEndian
	always := floatOf(8, le)
	always.ExpBias, always.MantNorm = 1000, 1
	for name, c := range map[string]struct {
		source Source
		layout string
	}{
		"integer of 9 bytes":            {Source{Type: intOf(9, le)}, ""},
		"time of 3 bytes":               {Source{Type: &h5type.Type{Class: h5type.Time, Size: 3, Precision: 24}}, ""},
		"first bit is always set":       {Source{Type: always}, ""},
		"H5T_STD_REF":                   {Source{Type: &h5type.Type{Class: h5type.Reference, Size: 18, RefKind: h5type.RefObject2}}, ""},
		"addresses of 3 bytes":          {Source{Type: vlenOf(intOf(4, le)), OffsetSize: 3}, ""},
		"no rows of one size":           {Source{Type: vlenOf(intOf(4, le)), OffsetSize: 8}, "rows"},
		"rows of more than 2147483647 ": {Source{Type: intOf(4, le), Inner: []int{1 << 20, 1 << 20}}, ""},
		"more than 2147483647 bytes":    {Source{Type: intOf(4, le), Inner: []int{1 << 30}}, "rows"},
	} {
		_, err := Compile(c.source, nil, Options{Layout: c.layout})
		require.ErrorIs(t, err, fault.Unsupported, name)
		require.ErrorContains(t, err, name)
	}
	_, err := Compile(nested(), nil, Options{Enum: "what"})
	require.ErrorIs(t, err, fault.Invalid)
}

func TestRanges(t *testing.T) {
	s := nested() // a@0+4 b/a@4+4 b/b@8+8 c@16+4
	for _, c := range []struct {
		fields []string
		want   [][2]int
	}{
		{nil, [][2]int{{0, 20}}},
		{[]string{"c", "a"}, [][2]int{{0, 4}, {16, 20}}},
		{[]string{"b/b", "b", "b/a"}, [][2]int{{4, 16}}},
	} {
		p, err := Compile(s, c.fields, Options{})
		require.NoError(t, err)
		require.Equal(t, c.want, p.Ranges())
		require.Equal(t, 20, p.ElemSize())
	}
	many := recordOf(intOf(1, 0), intOf(2, 0))
	array := &h5type.Type{Class: h5type.Array, Size: 3 * 5000, Dims: []int{5000}, Base: many}
	p, err := Compile(Source{Type: recordOf(intOf(4, 0), array)}, []string{"b"}, Options{})
	require.NoError(t, err)
	require.Equal(t, [][2]int{{4, 15004}}, p.Ranges())
}

func TestMistakesOfTheCallerAreErrors(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	p, err := Compile(Source{Type: intOf(4, 0)}, nil, Options{})
	require.NoError(t, err)
	b := p.NewBatch(mem, 4, nil, 0)
	e := Elems{Data: make([]byte, 16), N: 4, Size: 4}
	short := Elems{Data: make([]byte, 15), N: 4, Size: 4}
	for _, err := range []error{
		b.Put(0, 1, e, 0, 1, 5), b.Put(1, 1, e, 0, 1, 4), b.Put(-1, 1, e, 0, 1, 1), b.Put(0, 1, e, 1, 1, 4), b.Put(0, 1, e, -1, 1, 1),
		b.Put(2, -1, e, 0, 1, 4), b.Put(0, 0, e, 0, 1, 2), b.Put(0, 1, e, 0, 1, -1), b.Put(0, math.MaxInt, e, 0, 1, 3),
		b.Put(0, math.MinInt, e, 0, 1, 2), b.Put(0, 1, e, 3, math.MinInt, 2), b.Put(0, 1, short, 0, 1, 1),
		b.Put(0, 1, Elems{Data: e.Data, N: 4, Size: 3}, 0, 1, 1), b.Put(0, 1, Elems{N: -1, Size: 4}, 0, 1, 1),
		b.Put(0, 1, Elems{Data: e.Data, N: math.MaxInt, Size: 4}, 0, 1, 1),
		b.Gather(e, []int32{0}, []int32{4}), b.Gather(e, []int32{4}, []int32{0}), b.Gather(e, []int32{-1}, []int32{0}), b.Gather(e, []int32{0}, nil),
	} {
		require.Error(t, err)
		require.NoError(t, fault.Of(err))
	}
	require.NoError(t, b.Put(3, -1, e, 3, -1, 4))
	require.NoError(t, b.Put(0, 1, e, 2, 0, 4))
	b.Release()
	b.Release()
	require.ErrorIs(t, b.Put(0, 1, e, 0, 1, 1), errFinished)
	_, err = b.Record()
	require.ErrorIs(t, err, errFinished)
}

func TestHugeBatch(t *testing.T) {
	p, err := Compile(Source{Type: intOf(8, 0), Inner: []int{math.MaxInt32}}, nil, Options{})
	require.NoError(t, err)
	for _, rows := range []int{math.MaxInt, math.MaxInt32, -1} {
		b := p.NewBatch(memory.DefaultAllocator, rows, nil, 0)
		_, err := b.Record()
		require.ErrorIs(t, err, fault.Precondition)
		b.Release()
	}
	require.Equal(t, int64(math.MaxInt64), p.BatchBytes(math.MaxInt))
}

func TestOnlyWhatIsReadNeedsToBeThere(t *testing.T) {
	p, err := Compile(nested(), []string{"b/a"}, Options{})
	require.NoError(t, err)
	b := p.NewBatch(memory.DefaultAllocator, 3, nil, 0)
	defer b.Release()
	require.NoError(t, b.Put(0, 1, Elems{Data: make([]byte, 8*3), N: 3, Size: 20, Planes: 3}, 0, 1, 3))
	require.Error(t, b.Put(0, 1, Elems{Data: make([]byte, 8*3-1), N: 3, Size: 20, Planes: 3}, 0, 1, 3))
	require.NoError(t, b.Put(0, 1, Elems{Data: make([]byte, 48), N: 3, Size: 20}, 0, 1, 3))
	require.Error(t, b.Put(0, 1, Elems{Data: make([]byte, 47), N: 3, Size: 20}, 0, 1, 3))
}

func TestGoroutinesShareABatch(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	flag := &h5type.Type{Class: h5type.Bitfield, Size: 1, Precision: 8}
	p, err := Compile(Source{Type: recordOf(flag, intOf(3, 0)), Class: "TABLE"}, nil, Options{})
	require.NoError(t, err)
	const n = 1000
	b := p.NewBatch(mem, n, nil, 0)
	defer b.Release()
	var wg sync.WaitGroup
	for k := range 10 {
		wg.Go(func() {
			e := Elems{Data: []byte{byte(k % 2), byte(k), 0, 0}, N: 1, Size: 4}
			if err := b.Put(k, 10, e, 0, 0, n/10); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := b.Record()
	require.NoError(t, err)
	defer r.Release()
	require.Contains(t, r.Column(0).String(), "[false true false true")
	require.Contains(t, r.Column(1).String(), "[0 1 2 3 4 5 6 7 8 9 0")
}

// oneObject is a heap that has one object, however it is asked.
type oneObject struct {
	data []byte
	err  error
}

func (h oneObject) Heap(uint64, uint32) ([]byte, error)  { return h.data, h.err }
func (h oneObject) RefName(uint64) (string, bool, error) { return string(h.data), true, h.err }
func pointerTo(length int) []byte                        { return pointerAt(length, 8) }
func pointerAt(length, addr int) (b []byte) {
	return append(le32(length), append(le64(addr), le32(1)...)...)
}
func textOf(n int) []byte { return bytes.Repeat([]byte("x"), n) }
func le32(v int) []byte   { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
func le64(v int) []byte   { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

func TestFailuresOfVariableLength(t *testing.T) {
	texts := &h5type.Type{Class: h5type.VarLen, Size: 16, VarString: true, Base: intOf(1, 0)}
	names := &h5type.Type{Class: h5type.Enum, Size: 1, Base: intOf(1, 0), Values: []h5type.EnumValue{{Name: string(make([]byte, 40)), Raw: []byte{3}}}}
	for _, c := range []struct {
		name    string
		typ     *h5type.Type
		elem    []byte
		rows    int
		r       Resolver
		options Options
		kind    error
		text    string
	}{
		{"too few bytes", vlenOf(intOf(4, 0)), pointerTo(3), 2, oneObject{data: make([]byte, 8)}, Options{}, fault.DataLoss, "row 7: global heap object 1 at 8 has 8 bytes, not 3 of 4"},
		{"length lost", vlenOf(intOf(4, 0)), pointerTo(0), 2, oneObject{data: make([]byte, 8)}, Options{}, fault.DataLoss, "row 7: global heap object 1 at 8 has 8 bytes, not 0 of 4"},
		{"too many bytes", texts, pointerTo(3), 2, oneObject{data: make([]byte, 4)}, Options{}, fault.DataLoss, "row 7: global heap"},
		{"no object", texts, pointerTo(3), 2, oneObject{err: fault.New(fault.DataLoss, "gone")}, Options{}, fault.DataLoss, "row 7: gone"},
		{"one object many times", texts, pointerTo(4 << 10), 300, oneObject{data: textOf(4 << 10)}, Options{}, fault.Exhausted, "row 263: variable-length data of one batch is too much"},
		{"one list many times", vlenOf(intOf(3, 0)), pointerTo(1 << 10), 300, oneObject{data: make([]byte, 3<<10)}, Options{}, fault.Exhausted, "row 263: variable-length data"},
		{"long names many times", names, []byte{3}, 40 << 10, nil, Options{Plain: true}, fault.Exhausted, "batch_rows"},
		{"text in a list", vlenOf(stringOf(2)), pointerTo(2), 3, oneObject{data: []byte("ab\xff\xff")}, Options{}, fault.Precondition, "row 7: not UTF-8"},
		{"text", texts, pointerTo(2), 3, oneObject{data: []byte("\xff\xff")}, Options{}, fault.Precondition, `options.strings "binary"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			p, err := Compile(Source{Name: "x", Type: c.typ, OffsetSize: 8}, nil, c.options)
			require.NoError(t, err)
			b := p.NewBatch(mem, c.rows, c.r, 7)
			b.finisher.left = 1 << 20
			require.NoError(t, b.Put(0, 1, Elems{Data: c.elem, N: 1, Size: len(c.elem)}, 0, 0, c.rows))
			_, err = b.Record()
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, `column "x"`)
			require.ErrorContains(t, err, c.text)
		})
	}
}

func TestSmallAddresses(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	typ := vlenOf(intOf(1, 0))
	typ.Size = 12
	p, err := Compile(Source{Name: "x", Type: typ, OffsetSize: 4}, nil, Options{})
	require.NoError(t, err)
	b := p.NewBatch(mem, 2, oneObject{data: []byte{1, 2}}, 0)
	data := append(append(append(le32(2), le32(99)...), le32(1)...), make([]byte, 12)...)
	require.NoError(t, b.Put(0, 1, Elems{Data: data, N: 2, Size: 12}, 0, 1, 2))
	r, err := b.Record()
	require.NoError(t, err)
	defer r.Release()
	require.Equal(t, "[[1 2] []]", r.Column(0).String())
}

func TestBatchOver(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	p, err := Compile(Source{Name: "x", Type: intOf(2, h5type.LittleEndian), Inner: []int{3}}, nil, Options{})
	require.NoError(t, err)
	require.True(t, p.Direct())
	buf := memory.NewBufferWithAllocator(mem.Allocate(12), mem)
	for i := range buf.Bytes() {
		buf.Bytes()[i] = byte(i)
	}
	require.Nil(t, p.BatchOver(buf, 3, 0), "12 bytes are two rows")
	r, err := p.BatchOver(buf, 2, 0).Record()
	require.NoError(t, err)
	want := p.NewBatch(mem, 2, nil, 0)
	require.NoError(t, want.Put(0, 1, Elems{Data: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, N: 6, Size: 2}, 0, 1, 6))
	w, err := want.Record()
	require.NoError(t, err)
	sameArray(t, w.Column(0), r.Column(0))
	w.Release()
	r.Release()

	for _, o := range []Options{{Plain: true}, {NetCDF: true}} { // offsets, nulls: of memory that such a batch has not
		looks, err := Compile(Source{Name: "x", Type: intOf(2, h5type.LittleEndian), Inner: []int{3}, Missing: []any{int64(7)}}, nil, o)
		require.NoError(t, err)
		require.True(t, looks.Direct())
		require.Nil(t, looks.BatchOver(memory.NewBufferBytes(make([]byte, 12)), 2, 0))
	}

	strings, err := Compile(nested(), nil, Options{})
	require.NoError(t, err)
	require.Nil(t, strings.BatchOver(memory.NewBufferBytes(make([]byte, 20)), 1, 0), "columns of a table don't lie together")
}
