package bench

import (
	"context"
	"encoding/json"
	"path/filepath"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/own"
	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// asked is a dataset at a server of this process.
type asked struct {
	client  *client.Client
	request protocol.Request
}

// serve starts a server, which ends with the subject.
func (s *subject) serve(ctx context.Context, config reader.Config) (asked, error) {
	server, err := own.Serve(ctx, s.bench.File, config, "off")
	if err != nil {
		return asked{}, err
	}
	s.ends = append(s.ends, server.End)
	c, err := client.Open(ctx, server.Location)
	if err != nil {
		return asked{}, err
	}
	s.ends = append(s.ends, func() { _ = c.Close() }) // all was received
	return asked{c, protocol.Request{File: spell.Escape(filepath.Base(s.bench.File)), Dataset: s.bench.Dataset, Fields: s.bench.Fields}}, nil
}

// all receives all rows, by one connection.
func (a asked) all(ctx context.Context) error {
	rows, err := a.client.Scan(ctx, a.request)
	if err != nil {
		return err
	}
	defer rows.Release()
	for rows.Next() {
	}
	return rows.Err()
}

// kept tells whether the server has all columns of the result in memory.
func (a asked) kept(ctx context.Context) (bool, error) {
	text, err := a.client.Explain(ctx, a.request)
	if err != nil {
		return false, err
	}
	var x struct{ Rows, Cached int64 }
	err = json.Unmarshal(text, &x)
	return x.Cached > 0 && x.Cached == x.Rows, err
}

// served is reading from the file and sending, nothing of which is kept.
func (s *subject) served(ctx context.Context) (measured, error) {
	m := measured{name: served, bytes: s.report.Bytes}
	a, err := s.serve(ctx, without(s.bench.Engine))
	m.do = a.all
	return m, err
}

// sent is sending what the server has in memory.
func (s *subject) sent(ctx context.Context) (measured, error) {
	m := measured{name: sent, bytes: s.report.Bytes}
	a, err := s.serve(ctx, s.bench.Engine)
	for range 2 { // what is asked for twice is kept
		if err == nil {
			err = a.all(ctx)
		}
	}
	if err != nil {
		return m, err
	}
	kept, err := a.kept(ctx)
	if !kept {
		m.why = "the columns are not kept in memory: they are larger than --cache lets them, or no filter has to be undone for them"
		return m, err
	}
	m.do = a.all
	return m, err
}
