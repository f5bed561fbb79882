package convert

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/stretchr/testify/require"
)

// testCase is a folder of testdata/cases.zip; make.py beside it says what is in there.
type testCase struct {
	message []byte
	source  Source
	rows    int
	elems   Elems
	wanted  []wanted
}

type wanted struct {
	Options Options
	Fields  []string
	Refused string
	stream  []byte // Arrow IPC
}

// heap is the Resolver of cases.zip.
type heap struct {
	objects map[string][]byte
	names   map[string]string
}

func (h *heap) Heap(addr uint64, index uint32) ([]byte, error) {
	if b, ok := h.objects[fmt.Sprint(addr, index)]; ok {
		return bytes.Clone(b), nil
	}
	return nil, fault.New(fault.DataLoss, "no heap object %d at %d", index, addr)
}

func (h *heap) RefName(addr uint64) (string, bool, error) {
	name, ok := h.names[strconv.FormatUint(addr, 10)]
	return name, ok, nil
}

func loadHeap(t testing.TB, files map[string][]byte) *heap {
	var in struct {
		Objects [][3]any
		Names   map[string]string
	}
	require.NoError(t, json.Unmarshal(files["heap.json"], &in))
	h := &heap{objects: map[string][]byte{}, names: in.Names}
	for _, o := range in.Objects {
		b, err := hex.DecodeString(o[2].(string))
		require.NoError(t, err)
		h.objects[fmt.Sprint(uint64(o[0].(float64)), uint32(o[1].(float64)))] = b
	}
	return h
}

func loadCases(t testing.TB) ([]testCase, *heap) {
	z, err := zip.OpenReader("testdata/cases.zip")
	require.NoError(t, err)
	defer z.Close()
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
	var cases []testCase
	for i := 0; files[fmt.Sprintf("c%d/source.json", i)] != nil || i < 1000; i++ {
		if folder := fmt.Sprintf("c%d/", i); files[folder+"source.json"] != nil {
			cases = append(cases, loadCase(t, files, folder))
		}
	}
	require.Greater(t, len(cases), 100)
	return cases, loadHeap(t, files)
}

func loadCase(t testing.TB, files map[string][]byte, folder string) testCase {
	var in struct {
		Inner         []int
		Rows          int
		Class, Pseudo string
	}
	require.NoError(t, json.Unmarshal(files[folder+"source.json"], &in))
	typ, err := h5type.Parse(files[folder+"type"])
	require.NoError(t, err, folder)
	c := testCase{rows: in.Rows, message: files[folder+"type"]}
	c.source = Source{Name: folder[:len(folder)-1], Type: typ, Inner: in.Inner, Class: in.Class, Pseudo: in.Pseudo, OffsetSize: 8}
	data := files[folder+"data"]
	c.elems = Elems{Data: data, N: len(data) / typ.Size, Size: typ.Size}
	for i := 0; files[fmt.Sprintf("%s%d.json", folder, i)] != nil; i++ {
		var w wanted
		require.NoError(t, json.Unmarshal(files[fmt.Sprintf("%s%d.json", folder, i)], &w))
		w.stream = files[fmt.Sprintf("%s%d.arrow", folder, i)]
		c.wanted = append(c.wanted, w)
	}
	return c
}

func shuffle(e Elems) Elems { return shuffleBy(e, e.N) }

// shuffleBy makes planes of so many elements at a time.
func shuffleBy(e Elems, group int) Elems {
	out := make([]byte, len(e.Data))
	for i := range e.N {
		first := i / group * group
		n := min(group, e.N-first)
		for k := range e.Size {
			out[first*e.Size+k*n+i-first] = e.Data[i*e.Size+k]
		}
	}
	return Elems{Data: out, N: e.N, Size: e.Size, Planes: group}
}

// ways are the ways to fill a batch with all elements in order.
var ways = map[string]func(b *Batch, e Elems) error{
	"whole":  func(b *Batch, e Elems) error { return b.Put(0, 1, e, 0, 1, e.N) },
	"planes": func(b *Batch, e Elems) error { return b.Put(0, 1, shuffle(e), 0, 1, e.N) },
	"back":   func(b *Batch, e Elems) error { return b.Put(e.N-1, -1, e, e.N-1, -1, e.N) },
	"planes back": func(b *Batch, e Elems) error {
		return b.Put(e.N-1, -1, shuffle(e), e.N-1, -1, e.N)
	},
	"reversed": func(b *Batch, e Elems) error { return b.Put(e.N-1, -1, reverse(e), 0, 1, e.N) },
	"planes reversed": func(b *Batch, e Elems) error {
		return b.Put(e.N-1, -1, shuffle(reverse(e)), 0, 1, e.N)
	},
	"odd and even": func(b *Batch, e Elems) error {
		p := shuffle(e)
		return errors.Join(b.Put(0, 2, e, 0, 2, (e.N+1)/2), b.Put(min(1, e.N), 2, p, min(1, e.N), 2, e.N/2))
	},
	"one by one": func(b *Batch, e Elems) error {
		for i := range e.N {
			one := Elems{Data: e.Data[i*e.Size : (i+1)*e.Size], N: 1, Size: e.Size, Planes: i % 2}
			if err := b.Put(i, 1, one, 0, 0, 1); err != nil {
				return err
			}
		}
		return nil
	},
	"planes by three": func(b *Batch, e Elems) error { return b.Put(0, 1, groups(e), 0, 1, e.N) },
	"planes by three back": func(b *Batch, e Elems) error {
		return b.Put(e.N-1, -1, groups(e), e.N-1, -1, e.N)
	},
	"planes by three, odd and even": func(b *Batch, e Elems) error {
		p := groups(e)
		return errors.Join(b.Put(0, 2, p, 0, 2, (e.N+1)/2), b.Put(min(1, e.N), 2, p, min(1, e.N), 2, e.N/2))
	},
	"gather":                 func(b *Batch, e Elems) error { return shuffled(b, e) },
	"gather planes":          func(b *Batch, e Elems) error { return shuffled(b, shuffle(e)) },
	"gather planes by three": func(b *Batch, e Elems) error { return shuffled(b, groups(e)) },
}

// groups are planes of three elements, of fewer where there are not so many.
func groups(e Elems) Elems { return shuffleBy(e, min(3, e.N)) }

func reverse(e Elems) Elems {
	out := Elems{N: e.N, Size: e.Size}
	for i := e.N - 1; i >= 0; i-- {
		out.Data = append(out.Data, e.Data[i*e.Size:(i+1)*e.Size]...)
	}
	return out
}

func shuffled(b *Batch, e Elems) error {
	var at []int32
	for i := range e.N {
		at = append(at, int32((i*7+3)%e.N))
	}
	if e.N%7 == 0 { // not a permutation then
		at = at[:0]
		for i := range e.N {
			at = append(at, int32(e.N-1-i))
		}
	}
	return b.Gather(e, at, at)
}

func TestCases(t *testing.T) {
	cases, resolver := loadCases(t)
	for _, c := range cases {
		for _, w := range c.wanted {
			t.Run(fmt.Sprintf("%s/%s/%+v/%v", c.source.Name, c.source.Type, w.Options, w.Fields), func(t *testing.T) {
				p, err := Compile(c.source, w.Fields, w.Options)
				if w.Refused == "rows" {
					require.ErrorIs(t, err, fault.Unsupported)
					return
				}
				require.NoError(t, err)
				for way, put := range ways {
					t.Run(way, func(t *testing.T) { checkCase(t, p, c, w, put, resolver) })
				}
			})
		}
	}
}

func checkCase(t *testing.T, p *Program, c testCase, w wanted, put func(*Batch, Elems) error, r Resolver) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	b := p.NewBatch(mem, c.rows, r, 100)
	defer b.Release()
	require.NoError(t, put(b, c.elems))
	got, err := b.Record()
	if w.Refused == "utf8" {
		require.ErrorIs(t, err, fault.Precondition)
		require.ErrorContains(t, err, "options.strings")
		require.ErrorContains(t, err, fmt.Sprintf("column %q: row 10", c.source.Name))
		return
	}
	require.NoError(t, err)
	defer got.Release()
	if !p.NeedsResolver() {
		require.LessOrEqual(t, int64(mem.CurrentAlloc()), p.BatchBytes(c.rows))
	}
	require.NotPanics(t, func() { roundTrip(t, got) })
	if product, _ := product(c.source.Inner); product == 0 && !w.Options.Plain && w.Options.Layout == "" {
		checkEmptyLists(t, got, c)
		return
	}
	rd, err := ipc.NewReader(bytes.NewReader(w.stream))
	require.NoError(t, err)
	defer rd.Release()
	require.True(t, rd.Next())
	want := rd.Record()
	require.Equal(t, want.NumRows(), got.NumRows())
	require.Equal(t, want.NumCols(), got.NumCols())
	for i := range int(want.NumCols()) {
		wf, gf := want.Schema().Field(i), got.Schema().Field(i)
		require.Equal(t, wf.Name, gf.Name)
		require.True(t, arrow.TypeEqual(wf.Type, gf.Type), "%s, not %s", gf.Type, wf.Type)
		sameMarks(t, wf, gf)
		sameArray(t, want.Column(i), got.Column(i))
	}
}

// checkEmptyLists: arrow's reader cannot read lists of no values.
func checkEmptyLists(t *testing.T, got arrow.Record, c testCase) {
	typ := got.Column(0).DataType()
	for typ.(*arrow.FixedSizeListType).Len() != 0 {
		typ = typ.(*arrow.FixedSizeListType).Elem()
	}
	require.EqualValues(t, c.rows, got.NumRows())
}

func roundTrip(t *testing.T, r arrow.Record) {
	var sink bytes.Buffer
	w := ipc.NewWriter(&sink, ipc.WithSchema(r.Schema()))
	require.NoError(t, w.Write(r))
	require.NoError(t, w.Close())
}

// sameMarks compares the metadata that says what a field is, at every depth.
func sameMarks(t *testing.T, want, got arrow.Field) {
	for _, key := range []string{"ARROW:extension:name", "ARROW:extension:metadata", "numpy.dtype"} {
		w, ok := want.Metadata.GetValue(key)
		g, has := got.Metadata.GetValue(key)
		require.Equal(t, ok, has, key)
		if ok && key != "ARROW:extension:name" {
			require.JSONEq(t, w, g)
		}
	}
	if nested, ok := want.Type.(arrow.NestedType); ok {
		for i, f := range nested.Fields() {
			sameMarks(t, f, got.Type.(arrow.NestedType).Fields()[i])
		}
	}
}

// sameArray is equality of bits, but a NaN is a NaN.
func sameArray(t *testing.T, want, got arrow.Array) {
	require.Equal(t, want.Len(), got.Len())
	require.Equal(t, want.NullN(), got.NullN())
	switch w := want.(type) {
	case *array.Struct:
		for i := range w.NumField() {
			sameArray(t, w.Field(i), got.(*array.Struct).Field(i))
		}
	case *array.FixedSizeList:
		sameArray(t, w.ListValues(), got.(*array.FixedSizeList).ListValues())
	case *array.List:
		if want.Len() > 0 {
			require.Equal(t, w.Offsets()[:w.Len()+1], got.(*array.List).Offsets()[:w.Len()+1])
		}
		sameArray(t, w.ListValues(), got.(*array.List).ListValues())
	case *array.Float16:
		for i, v := range w.Values() {
			sameFloat(t, i, uint64(v.Uint16()), uint64(got.(*array.Float16).Value(i).Uint16()), v.Uint16()&0x7fff > 0x7c00 &&
				got.(*array.Float16).Value(i).Uint16()&0x7fff > 0x7c00)
		}
	case *array.Float32:
		for i, v := range w.Float32Values() {
			g := got.(*array.Float32).Value(i)
			sameFloat(t, i, uint64(math.Float32bits(v)), uint64(math.Float32bits(g)), v != v && g != g)
		}
	case *array.Float64:
		for i, v := range w.Float64Values() {
			g := got.(*array.Float64).Value(i)
			sameFloat(t, i, math.Float64bits(v), math.Float64bits(g), v != v && g != g)
		}
	default:
		require.True(t, array.Equal(want, got), "%s, not %s", got, want)
	}
}

func sameFloat(t *testing.T, i int, want, got uint64, nans bool) {
	if want != got && !nans {
		require.Failf(t, "float differs", "at %d: %x, not %x", i, got, want)
	}
}
