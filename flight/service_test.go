package flight

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/replicas"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

func TestRequestOf(t *testing.T) {
	r, command, err := requestOf(&arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"a.h5", "/t"}})
	require.NoError(t, err)
	require.Nil(t, command)
	require.Equal(t, reader.Request{File: "a.h5", Dataset: "/t"}, r)
	r, command, err = requestOf(&arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(good)})
	require.NoError(t, err)
	require.Equal(t, good, string(command))
	require.Equal(t, "/t", r.Dataset)
	for _, d := range []*arrowflight.FlightDescriptor{nil, {}, {Type: arrowflight.DescriptorPATH}, {Type: arrowflight.DescriptorPATH, Path: []string{"a"}},
		{Type: arrowflight.DescriptorPATH, Path: []string{"a", ""}}, {Type: arrowflight.DescriptorCMD}, {Type: 99}} {
		_, _, err = requestOf(d)
		require.ErrorIs(t, err, fault.Invalid, d)
	}
}

func TestEndpointStays(t *testing.T) {
	require.Equal(t, "arrow-flight-reuse-connection://?", endpoint(nil, nil).Location[0].Uri)
	require.Equal(t, "b", endpoint([]string{"a", "b"}, nil).Location[1].Uri)
}

// TestEndpointsAreBounded: whoever asks for two thousand million parts gets as many as fit an answer, of all rows.
func TestEndpointsAreBounded(t *testing.T) {
	eng, err := reader.NewEngine(reader.Config{InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, eng.Close()) }()
	f, err := eng.Open(t.Context(), reader.Location{Path: "../reader/testdata/corners/earliest.h5"})
	require.NoError(t, err)
	ds, err := f.Dataset(t.Context(), "/endless")
	require.NoError(t, err)
	r := reader.Request{File: "f", Dataset: "/endless", Endpoints: math.MaxInt32}
	for _, command := range []string{"", strings.Repeat(" ", 1<<20)} {
		p, err := ds.Plan(t.Context(), r)
		require.NoError(t, err)
		all, err := (&Server{replicas: new(replicas.Set)}).endpoints(r, []byte(command), p)
		require.NoError(t, err)
		require.Greater(t, len(all), 1)
		require.LessOrEqual(t, len(all), ticketsBytes/max(256, len(command)))
		last, err := protocol.ParseTicket(all[len(all)-1].Ticket.Ticket)
		require.NoError(t, err)
		require.Equal(t, int64(ds.Info().Rows), *last.Stop)
	}
}

// wire is what a client sends for a record of one column.
func onWire(t testing.TB, cmd string, parts ...any) *replay {
	t.Helper()
	var cols []arrow.Array
	var opts []ipc.Option
	for _, p := range parts {
		if o, ok := p.(ipc.Option); ok {
			opts = append(opts, o)
		} else {
			cols = append(cols, p.(arrow.Array))
		}
	}
	var fields []arrow.Field
	for _, c := range cols {
		fields = append(fields, arrow.Field{Name: "rows", Type: c.DataType(), Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	out := &replay{}
	w := arrowflight.NewRecordWriter(collector{out}, append(opts, ipc.WithSchema(schema))...)
	w.SetFlightDescriptor(&arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(cmd)})
	if len(cols) > 0 {
		rec := array.NewRecord(schema, cols, -1)
		defer rec.Release()
		require.NoError(t, w.Write(rec))
		require.NoError(t, w.Write(rec))
	}
	require.NoError(t, w.Close())
	return out
}

type collector struct{ to *replay }

func (c collector) Send(m *arrowflight.FlightData) error {
	c.to.all = append(c.to.all, &arrowflight.FlightData{FlightDescriptor: m.FlightDescriptor,
		DataHeader: bytes.Clone(m.DataHeader), DataBody: bytes.Clone(m.DataBody)})
	return nil
}

func column64(mem memory.Allocator, values []int64, valid []bool) arrow.Array {
	b := array.NewInt64Builder(mem)
	defer b.Release()
	b.AppendValues(values, valid)
	return b.NewArray()
}

// unbounded is memory of which there is enough.
type unbounded struct{}

func (unbounded) Acquire(context.Context, int64) error { return nil }

func (unbounded) Release(int64) {}

func heldUnbounded() *admission.Held {
	return admission.NewRoom(bufpool.NewBudget(1<<40, time.Minute), unbounded{}).Hold(context.Background())
}

// sentColumns are what clients send in an exchange: rows, rows with a null, a mask, texts.
type sentColumns struct{ ints, nulls, bools, texts arrow.Array }

func newSentColumns(t *testing.T) (c sentColumns) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	c.ints, c.nulls = column64(mem, []int64{5, -1, 5}, nil), column64(mem, []int64{5, -1, 5}, []bool{true, false, true})
	bools, texts := array.NewBooleanBuilder(mem), array.NewStringBuilder(mem)
	defer bools.Release()
	defer texts.Release()
	bools.AppendValues([]bool{true, false}, nil)
	c.bools, c.texts = bools.NewArray(), texts.NewArray()
	t.Cleanup(func() {
		for _, a := range []arrow.Array{c.ints, c.nulls, c.bools, c.texts} {
			a.Release()
		}
		mem.AssertSize(t, 0)
	})
	return c
}

// readSent is the request that an exchange makes of a dataset of four rows.
func readSent(in *replay) (reader.Request, error) {
	s := sent{stream: in, rows: 4, held: heldUnbounded()}
	defer s.held.End()
	if err := s.open(); err != nil {
		return s.request, err
	}
	err := s.read()
	return s.request, err
}

func TestSentRows(t *testing.T) {
	c := newSentColumns(t)
	r, err := readSent(onWire(t, good, c.ints))
	require.NoError(t, err)
	require.Equal(t, []int64{5, -1, 5, 5, -1, 5}, r.Coordinates)

	apart := onWire(t, good, c.ints) // the descriptor in a message of its own
	apart.all = append([]*arrowflight.FlightData{{FlightDescriptor: apart.all[0].FlightDescriptor}}, apart.all...)
	apart.all[1].FlightDescriptor = nil
	_, err = readSent(apart)
	require.NoError(t, err)

	sliced := array.NewSlice(c.nulls, 2, 3) // its null lies outside
	defer sliced.Release()
	r, err = readSent(onWire(t, good, sliced))
	require.NoError(t, err)
	require.Equal(t, []int64{5, 5}, r.Coordinates)
}

func TestSentMask(t *testing.T) {
	c := newSentColumns(t)
	r, err := readSent(onWire(t, good, c.bools))
	require.NoError(t, err)
	require.Equal(t, []byte{0b0101}, r.Mask)
	require.EqualValues(t, 4, r.MaskRows)

	long := onWire(t, good, c.bools)
	long.all = append(long.all, long.all[1:]...)
	r, err = readSent(long)
	require.ErrorIs(t, err, fault.Invalid)
	require.ErrorContains(t, err, "more rows than the dataset's 4")
	require.EqualValues(t, 4, r.MaskRows, "nothing is taken of what is too much")
}

func TestSentIsRefused(t *testing.T) {
	c := newSentColumns(t)
	compressed := onWire(t, good, c.ints)
	compressed.all = append(compressed.all[:1], onWire(t, good, c.ints, ipc.WithLZ4()).all[1:]...)
	bare := onWire(t, good, c.ints)
	bare.all[0].FlightDescriptor = nil
	for says, in := range map[string]*replay{
		"has nulls":                onWire(t, good, c.nulls),
		"cast it":                  onWire(t, good, c.texts),
		"one column, not 2":        onWire(t, good, c.ints, c.ints),
		"one column, not 0":        onWire(t, good),
		"member coordinates":       onWire(t, with(`"coordinates": []`), c.ints),
		"member mask":              onWire(t, with(`"mask": ""`), c.ints),
		"coordinates excludes":     onWire(t, with(`"start": 1`), c.ints),
		"mask excludes":            onWire(t, with(`"step": 1`), c.bools),
		"select and coordinates":   onWire(t, with(`"select": ":"`), c.ints),
		"coordinates and where or": onWire(t, with(`"where": "True"`), c.ints),
		"not JSON":                 onWire(t, "{", c.ints),
		"compressed":               compressed,
		"not a record batch":       {append(slices.Clip(onWire(t, good, c.ints).all[:1]), onWire(t, good, c.bools).all[1:]...)},
		"not a schema":             {[]*arrowflight.FlightData{{FlightDescriptor: onWire(t, good).all[0].FlightDescriptor, DataHeader: []byte("x")}}},
		"descriptor":               bare,
		"no schema was sent":       {},
	} {
		_, err := readSent(in)
		require.ErrorIs(t, err, fault.Invalid, says)
		require.ErrorContains(t, err, says)
	}
}

func FuzzExchange(f *testing.F) {
	ints := column64(memory.NewGoAllocator(), []int64{5, -1, 5}, nil)
	m := onWire(f, good, ints).all
	f.Add(m[0].DataHeader, m[1].DataHeader, m[1].DataBody)
	f.Fuzz(func(t *testing.T, schema, header, body []byte) {
		s := sent{rows: 4, held: heldUnbounded(), stream: &replay{[]*arrowflight.FlightData{
			{FlightDescriptor: &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(good)}, DataHeader: schema},
			{DataHeader: header, DataBody: body}}}}
		err := s.open()
		if err == nil {
			err = s.read()
		}
		require.True(t, err == nil || fault.Of(err) != nil, err)
	})
}
