package rpc

import (
	"bytes"
	"testing"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	b, err := proto.Marshal(m)
	require.NoError(tb, err)
	return b
}

var info = &arrowflight.FlightInfo{
	Schema:           []byte("schema"),
	FlightDescriptor: &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"a.h5", "/é"}},
	Endpoint: []*arrowflight.FlightEndpoint{
		{Ticket: &arrowflight.Ticket{Ticket: []byte("t")}, AppMetadata: []byte("m"), ExpirationTime: timestamppb.Now(),
			Location: []*arrowflight.Location{{Uri: "grpc://a:1"}, {Uri: ""}}},
		{},
	},
	TotalRecords: -1, TotalBytes: 1 << 40, Ordered: true, AppMetadata: []byte("{}"),
}

var data = &arrowflight.FlightData{FlightDescriptor: &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte("c")},
	DataHeader: []byte("header"), AppMetadata: []byte("where"), DataBody: bytes.Repeat([]byte("body"), 1000)}

// TestSentIsProtobuf: what this package writes is what protobuf would.
func TestSentIsProtobuf(t *testing.T) {
	command := &Descriptor{Cmd: []byte("c")}
	for _, c := range []struct {
		ours   sent
		theirs proto.Message
	}{
		{single("ticket"), &arrowflight.Ticket{Ticket: []byte("ticket")}},
		{single("x"), &arrowflight.Criteria{Expression: []byte("x")}},
		{single(nil), &arrowflight.Empty{}},
		{action{"list", []byte("{}")}, &arrowflight.Action{Type: "list", Body: []byte("{}")}},
		{action{"about", nil}, &arrowflight.Action{Type: "about"}},
		{command, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte("c")}},
		{&Data{Descriptor: command, Header: data.DataHeader, AppMetadata: data.AppMetadata, Body: data.DataBody}, data},
		{&Data{Header: []byte("end")}, &arrowflight.FlightData{DataHeader: []byte("end")}},
	} {
		slices, err := codec{}.Marshal(c.ours)
		require.NoError(t, err)
		require.Equal(t, marshal(t, c.theirs), append([]byte{}, slices.Materialize()...), "%T", c.ours)
	}
	_, err := codec{}.Marshal(data)
	require.ErrorContains(t, err, "is not sent")
	require.ErrorContains(t, codec{}.Unmarshal(nil, data), "is not received")
}

func TestReceived(t *testing.T) {
	var i Info
	require.NoError(t, i.parse(marshal(t, info)))
	require.Equal(t, Info{Schema: []byte("schema"), Descriptor: Descriptor{Path: []string{"a.h5", "/é"}},
		Endpoints:    []Endpoint{{Ticket: []byte("t"), Locations: []string{"grpc://a:1", ""}}, {}},
		TotalRecords: -1, TotalBytes: 1 << 40, AppMetadata: []byte("{}")}, i)
	require.NoError(t, i.parse(nil))
	require.Equal(t, Info{}, i)
}

// TestDataIsHeldUntilFreed: a pool that gets its buffers back shows what is used after Free.
func TestDataIsHeldUntilFreed(t *testing.T) {
	text := marshal(t, data)
	freed := 0
	half := mem.NewBuffer(new([]byte(bytes.Clone(text))), counted{&freed})
	var d Data
	require.NoError(t, codec{}.Unmarshal(mem.BufferSlice{half}, &d))
	half.Free() // gRPC's reference
	require.Zero(t, freed)
	require.Equal(t, data.DataHeader, d.Header)
	require.Equal(t, data.AppMetadata, d.AppMetadata)
	require.Equal(t, data.DataBody, d.Body)
	d.Free()
	d.Free()
	require.Equal(t, 1, freed)
	require.Equal(t, Data{}, d)

	parts := mem.BufferSlice{mem.SliceBuffer(text[:10]), mem.SliceBuffer(text[10:])}
	require.NoError(t, codec{}.Unmarshal(parts, &d))
	require.Equal(t, data.DataBody, d.Body)
	require.NoError(t, codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(nil)}, &d))
	require.Empty(t, d.Body)
}

type counted struct{ puts *int }

func (c counted) Get(n int) *[]byte { return new(make([]byte, n)) }
func (c counted) Put(*[]byte)       { *c.puts++ }

// TestReceivedIsBounded: few bytes do not become much memory.
func TestReceivedIsBounded(t *testing.T) {
	var b []byte
	for range maxRepeated + 1 {
		b = append(b, 3<<3|2, 0) // an endpoint without anything
	}
	require.ErrorIs(t, new(Info).parse(b), errMany)
	require.NoError(t, new(Info).parse(b[2:]))
	require.ErrorIs(t, new(Descriptor).parse(b), errMany) // the same field is a name there
	locations := bytes.ReplaceAll(b, []byte{3<<3 | 2, 0}, []byte{2<<3 | 2, 0})
	require.ErrorIs(t, new(Endpoint).parse(locations), errMany)

	bad := protowire.AppendBytes([]byte{3<<3 | 2}, []byte("\xff"))
	require.ErrorIs(t, new(Descriptor).parse(bad), errText)
}

// FuzzReceived holds the parsers to protobuf's: what that takes is taken, and is the same.
func FuzzReceived(f *testing.F) {
	for _, m := range []proto.Message{info, data, &arrowflight.Result{Body: []byte("b")}, &arrowflight.SchemaResult{Schema: []byte("s")}} {
		f.Add(marshal(f, m))
	}
	f.Add([]byte{1<<3 | 3, 1<<3 | 4})                            // a group
	f.Add([]byte{2<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f})        // longer than the message
	f.Add(append(marshal(f, info), marshal(f, info)...))         // fields that come again
	f.Add([]byte{4<<3 | 2, 1, 0, 1 << 3, 5, 0xc2, 0x3e, 1, 'x'}) // other wire types
	f.Fuzz(func(t *testing.T, b []byte) {
		var theirs arrowflight.FlightInfo
		var ours Info
		err := ours.parse(b)
		if proto.Unmarshal(b, &theirs) == nil {
			require.NoError(t, err)
			requireInfo(t, &theirs, ours)
		}
		var theirData arrowflight.FlightData
		var d Data
		err = codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, &d)
		if proto.Unmarshal(b, &theirData) == nil {
			require.NoError(t, err)
			require.True(t, bytes.Equal(theirData.DataHeader, d.Header) && bytes.Equal(theirData.AppMetadata, d.AppMetadata) &&
				bytes.Equal(theirData.DataBody, d.Body))
		}
		var theirResult arrowflight.Result
		var r Result
		err = r.parse(b)
		if proto.Unmarshal(b, &theirResult) == nil {
			require.NoError(t, err)
			require.True(t, bytes.Equal(theirResult.Body, r.Body))
		}
	})
}

func requireInfo(t *testing.T, theirs *arrowflight.FlightInfo, ours Info) {
	t.Helper()
	require.True(t, bytes.Equal(theirs.Schema, ours.Schema) && bytes.Equal(theirs.AppMetadata, ours.AppMetadata))
	require.Equal(t, theirs.TotalRecords, ours.TotalRecords)
	require.Equal(t, theirs.TotalBytes, ours.TotalBytes)
	require.Equal(t, theirs.GetFlightDescriptor().GetPath(), ours.Descriptor.Path)
	require.True(t, bytes.Equal(theirs.GetFlightDescriptor().GetCmd(), ours.Descriptor.Cmd))
	require.Len(t, ours.Endpoints, len(theirs.Endpoint))
	for i, e := range theirs.Endpoint {
		require.True(t, bytes.Equal(e.Ticket.GetTicket(), ours.Endpoints[i].Ticket))
		require.Len(t, ours.Endpoints[i].Locations, len(e.Location))
		for k, l := range e.Location {
			require.Equal(t, l.Uri, ours.Endpoints[i].Locations[k])
		}
	}
}
