package flight

import (
	"encoding/binary"
	"errors"
	"io"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// maxSent bounds what one DoExchange may send, in bytes of coordinates or mask.
const maxSent = 256 << 20

// DoExchange reads coordinates or a mask from the client and sends the rows they choose, in the order asked.
func (s *Server) DoExchange(stream arrowflight.FlightService_DoExchangeServer) error {
	in := sent{stream: stream}
	if err := in.open(); err != nil {
		return err
	}
	ds, err := s.dataset(stream.Context(), in.request.File, in.request.Dataset)
	if err != nil {
		return err
	}
	if err := in.read(ds.Info().Rows); err != nil {
		return err
	}
	p, err := ds.Plan(stream.Context(), in.request)
	if err != nil {
		return err
	}
	run := p.Run(stream.Context())
	defer run.Release()
	return send(stream, run)
}

// sent is what a client sends: a request as the first descriptor, a schema of one column, batches of it.
type sent struct {
	stream  arrowflight.DataStreamReader
	request reader.Request
	column  columnType
}

// open reads the request and the schema and checks that they go together.
func (s *sent) open() error {
	var descriptor *arrowflight.FlightDescriptor
	for { // the descriptor may come in a message of its own
		m, err := s.stream.Recv()
		if errors.Is(err, io.EOF) {
			return fault.New(fault.Invalid, "exchange: no schema was sent: write batches of one int64 or boolean column")
		}
		if err != nil {
			return err
		}
		if descriptor == nil {
			descriptor = m.GetFlightDescriptor()
		}
		if len(m.GetDataHeader()) == 0 {
			continue
		}
		if err := s.openRequest(descriptor); err != nil {
			return err
		}
		return s.openColumn(m.GetDataHeader())
	}
}

func (s *sent) openRequest(d *arrowflight.FlightDescriptor) (err error) {
	if d.GetType() != arrowflight.DescriptorCMD {
		return fault.New(fault.Invalid, "exchange: the first message must have a descriptor whose command is a request as JSON")
	}
	if s.request, err = ParseTicket(d.GetCmd()); err != nil {
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
	c, ok := readSchema(header)
	switch {
	case !ok:
		return fault.New(fault.Invalid, "exchange: the first Arrow message is not a schema")
	case c.columns != 1:
		return fault.New(fault.Invalid, "exchange: send one column, not %d", c.columns)
	case c.int64():
		s.request.Coordinates = []int64{}
	case c.boolean():
		s.request.MaskBools = []bool{}
	default:
		return fault.New(fault.Invalid, "exchange: column %s must be int64 (coordinates) or boolean (mask): cast it", short(c.name))
	}
	s.column = c
	return checked(&s.request)
}

// read takes every batch; a mask has so many rows.
func (s *sent) read(rows int64) error {
	bytes := 0
	for {
		m, err := s.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(m.GetDataHeader()) == 0 {
			continue
		}
		if bytes += len(m.GetDataBody()); bytes > maxSent {
			return fault.New(fault.Exhausted, "exchange: over %d MiB of rows asked: ask in parts", maxSent>>20)
		}
		if err := s.take(m); err != nil {
			return err
		}
		if n := int64(len(s.request.MaskBools)); n > rows {
			return fault.New(fault.Invalid, "exchange: mask of %d rows or more for %d rows", n, rows)
		}
	}
}

func (s *sent) take(m *arrowflight.FlightData) error {
	bits := int64(64)
	if s.column.boolean() {
		bits = 1
	}
	b := readBatch(m.GetDataHeader(), m.GetDataBody(), bits)
	switch {
	case b.compressed:
		return fault.New(fault.Invalid, "exchange: compressed batches are not taken: write them without compression")
	case !b.ok:
		return fault.New(fault.Invalid, "exchange: a message is not a record batch of the column announced")
	case hasNulls(b):
		return fault.New(fault.Invalid, "exchange: column %s has nulls", short(s.column.name))
	}
	for i := range b.rows {
		if bits == 1 {
			s.request.MaskBools = append(s.request.MaskBools, bit(b.values, i))
		} else {
			s.request.Coordinates = append(s.request.Coordinates, int64(binary.LittleEndian.Uint64(b.values[8*i:])))
		}
	}
	return nil
}

func bit(bits []byte, i int) bool { return bits[i/8]>>(i%8)&1 != 0 }

func hasNulls(b rowsSent) bool {
	if b.nulls == 0 || len(b.validity) == 0 {
		return b.nulls > 0
	}
	for i := range b.rows {
		if !bit(b.validity, i) {
			return true
		}
	}
	return false
}
