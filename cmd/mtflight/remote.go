package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// remote asks a server.
type remote struct {
	client arrowflight.Client
}

const maxMessage = 64 << 20 // a batch's largest size, protocol section 2

func dial(location string) (*remote, error) {
	client, err := arrowflight.NewClientWithMiddleware(grpcTarget(location), nil, nil,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", location, err)
	}
	return &remote{client: client}, nil
}

func (r *remote) close() error { return r.client.Close() }

func (r *remote) list(ctx context.Context, glob string, visit func(listed) error) error {
	criteria := map[string]string{}
	if glob != "" {
		criteria["file"] = glob
	}
	return r.act(ctx, "list", criteria, func(body []byte) error {
		var answer struct {
			File, Error string
			Datasets    []reader.Info
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return err
		}
		if answer.Error != "" {
			return visit(listed{File: answer.File, Error: answer.Error})
		}
		for i := range answer.Datasets {
			if err := visit(listed{File: answer.File, Info: &answer.Datasets[i]}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *remote) describe(ctx context.Context, file, dataset string) (answer json.RawMessage, err error) {
	err = r.act(ctx, "describe", map[string]string{"file": file, "dataset": dataset}, func(body []byte) error {
		answer = body
		return nil
	})
	return answer, err
}

// act calls visit with each result of an action.
func (r *remote) act(ctx context.Context, name string, argument any, visit func([]byte) error) error {
	body, err := json.Marshal(argument)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, err := r.client.DoAction(ctx, &arrowflight.Action{Type: name, Body: body})
	if err != nil {
		return fromStatus(err)
	}
	for {
		result, err := results.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fromStatus(err)
		}
		if err := visit(result.Body); err != nil {
			return err
		}
	}
}

// open asks for the whole as one stream; parallel endpoints are for clients that want more than a file or a table.
func (r *remote) open(ctx context.Context, request reader.Request) (*stream, error) {
	request.Endpoints = 1
	ticket, err := flight.FormatTicket(request)
	if err != nil {
		return nil, err
	}
	info, err := r.client.GetFlightInfo(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: ticket})
	if err != nil {
		return nil, fromStatus(err)
	}
	data, err := r.client.DoGet(ctx, &arrowflight.Ticket{Ticket: ticket})
	if err != nil {
		return nil, fromStatus(err)
	}
	batches, err := arrowflight.NewRecordReader(data)
	if err != nil {
		return nil, fromStatus(err)
	}
	return &stream{RecordReader: &received{batches}, rows: info.TotalRecords, bytes: info.TotalBytes}, nil
}

// received is a stream from a server whose error has its kind.
type received struct{ *arrowflight.Reader }

// Err is what ended the stream early.
func (r *received) Err() error { return fromStatus(r.Reader.Err()) }

var _ array.RecordReader = (*received)(nil)

var kinds = map[codes.Code]error{
	codes.InvalidArgument: fault.Invalid, codes.NotFound: fault.NotFound, codes.PermissionDenied: fault.Denied,
	codes.OutOfRange: fault.OutOfRange, codes.FailedPrecondition: fault.Precondition, codes.Unimplemented: fault.Unsupported,
	codes.DataLoss: fault.DataLoss, codes.Aborted: fault.Changed, codes.ResourceExhausted: fault.Exhausted,
	codes.Unavailable: fault.Unavailable,
}

// fromStatus gives a gRPC error its kind back, for the exit code.
func fromStatus(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	s, _ := status.FromError(err)
	kind, known := kinds[s.Code()]
	if !known {
		return err
	}
	return fault.New(kind, "%s", strings.TrimSpace(s.Message()))
}
