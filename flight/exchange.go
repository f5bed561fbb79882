package flight

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// maxSent bounds what one DoExchange may send, in bytes of coordinates or mask.
const maxSent = 256 << 20

// DoExchange reads coordinates or a mask from the client and sends the rows they choose, in the order asked.
func (s *Server) DoExchange(stream arrowflight.FlightService_DoExchangeServer) error {
	sent, err := openSent(stream)
	if err != nil {
		return err
	}
	defer sent.in.Release()
	ds, err := s.dataset(stream.Context(), sent.request.File, sent.request.Dataset)
	if err != nil {
		return err
	}
	r, err := sent.read()
	if err != nil {
		return err
	}
	p, err := ds.Plan(stream.Context(), r)
	if err != nil {
		return err
	}
	run := p.Run(stream.Context())
	defer run.Release()
	return send(stream, run)
}

// sent is what a client sends: a request in the first message's descriptor, then batches of one column.
type sent struct {
	request reader.Request
	in      *arrowflight.Reader
	from    *described
}

// described remembers the first descriptor: it may come in a message of its own, before the schema.
type described struct {
	arrowflight.DataStreamReader
	descriptor *arrowflight.FlightDescriptor
}

func (d *described) Recv() (*arrowflight.FlightData, error) {
	m, err := d.DataStreamReader.Recv()
	if d.descriptor == nil {
		d.descriptor = m.GetFlightDescriptor()
	}
	return m, err
}

// openSent reads the request and the schema and checks that they go together.
func openSent(stream arrowflight.DataStreamReader) (*sent, error) {
	from := &described{DataStreamReader: stream}
	in, err := arrowflight.NewRecordReader(from, ipc.WithAllocator(&boundedAllocator{memory.NewGoAllocator(), maxSent}))
	if err != nil {
		return nil, exchangeError(err)
	}
	s := &sent{in: in, from: from}
	if err := s.check(); err != nil {
		in.Release()
		return nil, err
	}
	return s, nil
}

func (s *sent) check() (err error) {
	d := s.from.descriptor
	if d.GetType() != arrowflight.DescriptorCMD {
		return fault.New(fault.Invalid, "exchange: the first message must have a descriptor whose command is a request as JSON")
	}
	if s.request, err = ParseTicket(d.GetCmd()); err != nil {
		return err
	}
	for name, asked := range map[string]bool{"coordinates": s.request.Coordinates != nil, "mask": s.request.Mask != nil} {
		if asked {
			return fault.New(fault.Invalid, "exchange: member %s of the request: it comes by the exchange", name)
		}
	}
	fields := s.in.Schema().Fields()
	if len(fields) != 1 {
		return fault.New(fault.Invalid, "exchange: send one column, not %d", len(fields))
	}
	switch fields[0].Type.ID() {
	case arrow.INT64:
		s.request.Coordinates = []int64{}
	case arrow.BOOL:
		s.request.MaskBools = []bool{}
	default:
		return fault.New(fault.Invalid, "exchange: column %s must be int64 (coordinates) or boolean (mask), not %s: cast it",
			short(fields[0].Name), fields[0].Type)
	}
	return checkSelections(&s.request)
}

// read takes every batch.
func (s *sent) read() (reader.Request, error) {
	r := s.request
	for s.in.Next() {
		col := s.in.Record().Column(0)
		if col.NullN() > 0 {
			return r, fault.New(fault.Invalid, "exchange: column %s has nulls", short(s.in.Schema().Field(0).Name))
		}
		switch col := col.(type) {
		case *array.Int64:
			r.Coordinates = append(r.Coordinates, col.Int64Values()...)
		case *array.Boolean:
			for i := range col.Len() {
				r.MaskBools = append(r.MaskBools, col.Value(i))
			}
		}
		if 8*len(r.Coordinates)+len(r.MaskBools) > maxSent {
			return r, fault.New(fault.Exhausted, "exchange: over %d MiB of rows asked: ask in parts", maxSent>>20)
		}
	}
	if err := s.in.Err(); err != nil && !errors.Is(err, io.EOF) {
		return r, exchangeError(err)
	}
	return r, nil
}

// exchangeError tells an Arrow stream that cannot be read from a connection that broke.
func exchangeError(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "exchange: nothing was sent: write a batch of one int64 or boolean column")
	}
	if st := (interface{ GRPCStatus() *status.Status })(nil); errors.As(err, &st) {
		return err
	}
	return fault.New(fault.Invalid, "exchange: what was sent is not an Arrow stream: %w", err)
}

// boundedAllocator panics past its bound, which the IPC reader turns into an error: a compressed buffer of a few bytes
// may claim any length.
type boundedAllocator struct {
	memory.Allocator
	left int
}

func (a *boundedAllocator) Allocate(size int) []byte {
	if a.left -= size; size < 0 || a.left < 0 {
		panic(fmt.Errorf("it claims more than %d MiB", maxSent>>20))
	}
	return a.Allocator.Allocate(size)
}

func (a *boundedAllocator) Reallocate(size int, b []byte) []byte {
	if a.left -= size - len(b); size < 0 || a.left < 0 {
		panic(fmt.Errorf("it claims more than %d MiB", maxSent>>20))
	}
	return a.Allocator.Reallocate(size, b)
}

func (a *boundedAllocator) Free(b []byte) {
	a.left += len(b)
	a.Allocator.Free(b)
}
