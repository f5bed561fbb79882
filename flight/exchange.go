package flight

import (
	"encoding/binary"
	"errors"
	"io"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// maxSent bounds what one DoExchange may send, in bytes of coordinates or mask.
const maxSent = 256 << 20

// DoExchange reads coordinates or a mask from the client and sends the rows they choose, in the order asked.
func (s *Server) DoExchange(stream arrowflight.FlightService_DoExchangeServer) error {
	in := sent{stream: stream, held: callOf(stream.Context()).held}
	if err := in.open(); err != nil {
		return err
	}
	all := in.request
	whole, err := s.planned(stream.Context(), reader.Request{File: all.File, Files: all.Files, Dataset: all.Dataset, Datasets: all.Datasets, Fields: all.Fields, Options: all.Options})
	if err != nil {
		return err
	}
	in.rows = whole.Rows()
	if err := in.read(); err != nil {
		return err
	}
	p, err := s.planned(stream.Context(), in.request)
	if err != nil {
		return err
	}
	run := p.Run(stream.Context())
	defer run.Release()
	return s.stalls.send(stream, run, wire.NewPacker(stream.Context(), all.Compression, s.memory()))
}

// Bytes of memory for a row that is sent, with its place in the plan's list of rows, and how many times a message's bytes that is at most, with what it is decoded in.
const (
	coordinateBytes, coordinateTimes = 16, 1 + 2
	maskBytes, maskTimes             = 9, 1 + 72

	openTimes = 3 // of a request and a schema
)

// sent is what a client sends: a request as the first descriptor, a schema of one column, batches of it.
type sent struct {
	stream  interface{ RecvMsg(any) error }
	request reader.Request
	column  wire.ColumnType
	rows    int64 // of the dataset
	held    *admission.Held
}

// next is the next message, in memory that is reserved before it is decoded: so many times its bytes, for it and what becomes of it.
func (s *sent) next(times int64) (m *arrowflight.FlightData, room int64, err error) {
	m = &arrowflight.FlightData{}
	err = s.stream.RecvMsg(&wire.Unread{Into: m, Room: func(bytes int) error {
		room = times * int64(bytes)
		return s.held.More(room)
	}})
	return m, room, err
}

// open reads the request and the schema and checks that they go together.
func (s *sent) open() error {
	known := false
	for { // the descriptor may come in a message of its own
		m, _, err := s.next(openTimes)
		if errors.Is(err, io.EOF) {
			return fault.New(fault.Invalid, "exchange: no schema was sent: write batches of one int64 or boolean column")
		}
		if err != nil {
			return err
		}
		if d := m.GetFlightDescriptor(); !known && (d != nil || len(m.GetDataHeader()) > 0) {
			if err := s.openRequest(d); err != nil {
				return err
			}
			known = true
		}
		if len(m.GetDataHeader()) > 0 {
			return s.openColumn(m.GetDataHeader())
		}
	}
}

func (s *sent) openRequest(d *arrowflight.FlightDescriptor) (err error) {
	if d.GetType() != arrowflight.DescriptorCMD {
		return fault.New(fault.Invalid, "exchange: the first message must have a descriptor whose command is a request as JSON")
	}
	if s.request, err = protocol.ParseTicket(d.GetCmd()); err != nil {
		return err
	}
	for _, m := range []struct {
		name  string
		asked bool
	}{{"coordinates", s.request.Coordinates != nil}, {"mask", s.request.Mask != nil}} {
		if m.asked {
			return fault.New(fault.Invalid, "exchange: member %s of the request: it comes by the exchange", m.name)
		}
	}
	return nil
}

func (s *sent) openColumn(header []byte) error {
	c, ok := wire.ReadSchema(header)
	switch {
	case !ok:
		return fault.New(fault.Invalid, "exchange: the first Arrow message is not a schema")
	case c.Columns != 1:
		return fault.New(fault.Invalid, "exchange: send one column, not %d", c.Columns)
	case c.Int64():
		s.request.Coordinates = []int64{}
	case c.Boolean():
		s.request.Mask = []byte{}
	default:
		return fault.New(fault.Invalid, "exchange: column %s must be int64 (coordinates) or boolean (mask): cast it", strict.Short(c.Name))
	}
	s.column = c
	if err := s.request.Check(); err != nil {
		return fault.New(fault.Of(err), "request: %w", err)
	}
	return nil
}

// read takes every batch.
func (s *sent) read() error {
	bytes, times := 0, int64(coordinateTimes)
	if s.column.Boolean() {
		times = maskTimes
	}
	for {
		m, room, err := s.next(times)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(m.GetDataHeader()) == 0 {
			s.held.Less(room)
			continue
		}
		if bytes += len(m.GetDataBody()); bytes > maxSent {
			return fault.New(fault.Exhausted, "exchange: over %d MiB of rows asked: ask in parts", maxSent>>20)
		}
		if err := s.take(m, room); err != nil {
			return err
		}
	}
}

// take keeps the rows of a message, and of its room what they take.
func (s *sent) take(m *arrowflight.FlightData, room int64) error {
	bits, size := int64(64), int64(coordinateBytes)
	if s.column.Boolean() {
		bits, size = 1, maskBytes
	}
	b := wire.ReadBatch(m.GetDataHeader(), m.GetDataBody(), bits)
	switch {
	case b.Compressed:
		return fault.New(fault.Invalid, "exchange: compressed batches are not taken: write them without compression")
	case !b.OK:
		return fault.New(fault.Invalid, "exchange: a message is not a record batch of the column announced")
	case hasNulls(b):
		return fault.New(fault.Invalid, "exchange: column %s has nulls", strict.Short(s.column.Name))
	case bits == 1 && int64(b.Rows) > s.rows-s.request.MaskRows:
		return fault.New(fault.Invalid, "exchange: the mask has more rows than the dataset's %d", s.rows)
	}
	defer s.held.Less(room - size*int64(b.Rows))
	for i := range b.Rows {
		if bits == 1 {
			s.addBit(bit(b.Values, i))
		} else {
			s.request.Coordinates = append(s.request.Coordinates, int64(binary.LittleEndian.Uint64(b.Values[8*i:])))
		}
	}
	return nil
}

// addBit adds a row to the mask.
func (s *sent) addBit(set bool) {
	r := &s.request
	if r.MaskRows%8 == 0 {
		r.Mask = append(r.Mask, 0)
	}
	if set {
		r.Mask[r.MaskRows/8] |= 1 << (r.MaskRows % 8)
	}
	r.MaskRows++
}

func bit(bits []byte, i int) bool { return bits[i/8]>>(i%8)&1 != 0 }

func hasNulls(b wire.RowsSent) bool {
	if b.Nulls == 0 || len(b.Validity) == 0 {
		return b.Nulls > 0
	}
	for i := range b.Rows {
		if !bit(b.Validity, i) {
			return true
		}
	}
	return false
}
