package rpc

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Flight.proto's messages, with the fields that the client uses; others are passed over. What is received is bytes of the
// message itself.
type (
	// Descriptor is FlightDescriptor: of a command where it is sent.
	Descriptor struct {
		Cmd  []byte
		Path []string
	}

	// Info is FlightInfo.
	Info struct {
		Schema       []byte
		Descriptor   Descriptor
		Endpoints    []Endpoint
		TotalRecords int64
		TotalBytes   int64
		AppMetadata  []byte
	}

	// Endpoint is FlightEndpoint.
	Endpoint struct {
		Ticket    []byte
		Locations []string
	}

	// Data is FlightData. What is received is valid until Free; the Descriptor is only sent.
	Data struct {
		Descriptor                *Descriptor
		Header, AppMetadata, Body []byte
		buffer                    mem.Buffer
	}

	// Result is that of an action.
	Result struct{ Body []byte }

	schemaResult struct{ schema []byte }
	actionType   struct{}

	// single is a message of one field of bytes, the first: Ticket, Criteria; of none where it is nil: Empty.
	single []byte
	action struct {
		name string
		body []byte
	}
)

// maxRepeated bounds what takes more memory than its bytes: the endpoints, locations or names of a message.
const maxRepeated = 1 << 16

var (
	errMany = fmt.Errorf("a message of Flight with over %d elements", maxRepeated)
	errText = errors.New("a message of Flight with a text that is not UTF-8")
)

// each visits the fields of a message: strings, bytes and messages, and numbers where they are asked for.
func each(m []byte, visit func(n protowire.Number, v []byte) error, number func(n protowire.Number, v uint64)) error {
	for len(m) > 0 {
		n, kind, size := protowire.ConsumeTag(m)
		if size < 0 {
			return protowire.ParseError(size)
		}
		m = m[size:]
		if size = protowire.ConsumeFieldValue(n, kind, m); size < 0 {
			return protowire.ParseError(size)
		}
		switch {
		case kind == protowire.BytesType:
			v, _ := protowire.ConsumeBytes(m)
			if err := visit(n, v); err != nil {
				return err
			}
		case kind == protowire.VarintType && number != nil:
			v, _ := protowire.ConsumeVarint(m)
			number(n, v)
		}
		m = m[size:]
	}
	return nil
}

// first is the first field of a message that has no others of interest.
func first(m []byte, to *[]byte) error {
	return each(m, func(n protowire.Number, v []byte) error {
		if n == 1 {
			*to = v
		}
		return nil
	}, nil)
}

func addText(to *[]string, v []byte) error {
	switch {
	case !utf8.Valid(v):
		return errText
	case len(*to) == maxRepeated:
		return errMany
	}
	*to = append(*to, string(v))
	return nil
}

func (d *Descriptor) parse(m []byte) error {
	return each(m, func(n protowire.Number, v []byte) error {
		switch n {
		case 2:
			d.Cmd = v
		case 3:
			return addText(&d.Path, v)
		}
		return nil
	}, nil)
}

func (i *Info) parse(m []byte) error {
	*i = Info{}
	return each(m, func(n protowire.Number, v []byte) error {
		switch n {
		case 1:
			i.Schema = v
		case 2:
			return i.Descriptor.parse(v)
		case 3:
			return i.addEndpoint(v)
		case 7:
			i.AppMetadata = v
		}
		return nil
	}, func(n protowire.Number, v uint64) {
		switch n {
		case 4:
			i.TotalRecords = int64(v)
		case 5:
			i.TotalBytes = int64(v)
		}
	})
}

func (i *Info) addEndpoint(m []byte) error {
	if len(i.Endpoints) == maxRepeated {
		return errMany
	}
	var e Endpoint
	err := e.parse(m)
	i.Endpoints = append(i.Endpoints, e)
	return err
}

func (e *Endpoint) parse(m []byte) error {
	return each(m, func(n protowire.Number, v []byte) error {
		switch n {
		case 1:
			return first(v, &e.Ticket)
		case 2:
			var uri []byte
			if err := first(v, &uri); err != nil {
				return err
			}
			return addText(&e.Locations, uri)
		}
		return nil
	}, nil)
}

func (d *Data) parse(m []byte) error {
	return each(m, func(n protowire.Number, v []byte) error {
		switch n {
		case 2:
			d.Header = v
		case 3:
			d.AppMetadata = v
		case 1000:
			d.Body = v
		}
		return nil
	}, nil)
}

// Free gives the message's buffer back; the Data is empty then.
func (d *Data) Free() {
	if d.buffer != nil {
		d.buffer.Free()
	}
	*d = Data{}
}

func (r *Result) parse(m []byte) error {
	*r = Result{}
	return first(m, &r.Body)
}

func (s *schemaResult) parse(m []byte) error { return first(m, &s.schema) }

func (*actionType) parse([]byte) error { return nil }

const descriptorOfCommand = 2

// appendBytes writes a field; an empty one is left out, as proto3 does.
func appendBytes(b []byte, n protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func (s single) append(b []byte) []byte { return appendBytes(b, 1, s) }

func (a action) append(b []byte) []byte {
	return appendBytes(appendBytes(b, 1, []byte(a.name)), 2, a.body)
}

func (d *Descriptor) append(b []byte) []byte {
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), descriptorOfCommand)
	return appendBytes(b, 2, d.Cmd)
}

// append writes all up to the first byte of the body.
func (d *Data) append(b []byte) []byte {
	if d.Descriptor != nil {
		b = appendBytes(b, 1, d.Descriptor.append(nil))
	}
	b = appendBytes(appendBytes(b, 2, d.Header), 3, d.AppMetadata)
	if len(d.Body) > 0 {
		b = protowire.AppendVarint(protowire.AppendTag(b, 1000, protowire.BytesType), uint64(len(d.Body)))
	}
	return b
}

// Any is protobuf's Any of a message whose first field alone is set, to bytes or text.
func Any(url string, first []byte) []byte {
	return appendBytes(appendBytes(nil, 1, []byte(url)), 2, appendBytes(nil, 1, first))
}
