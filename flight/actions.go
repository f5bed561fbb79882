package flight

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"

	"github.com/mtflight/mtflight/flight/internal/criteria"
	"github.com/mtflight/mtflight/flight/internal/sql"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// action answers one DoAction with results: of encoded bytes as they are, of anything else as JSON.
type action struct {
	name, about string
	run         func(s *Server, ctx context.Context, body []byte, answer func(any) error) error
}

var actions = []action{
	{"list", `criteria {"file": glob, "dataset": glob, "kind": .., "frames": bool, "columns": bool, "attributes": bool} -> one result per file: groups, datasets, links`, (*Server).list},
	{"describe", `{"file", "dataset"} -> schema, layout, chunks, filters, indexes, attributes`, (*Server).describe},
	{"attributes", `{"file", "object", "names": [..], "format": "json" or "arrow"} -> values of any size, by name or as an Arrow IPC stream of one row`, (*Server).attributes},
	{"stats", `{"file", "dataset", "fields": [..], "chunks": bool} -> rows, nulls, minimum, maximum by column; before, if asked for, by chunk`, (*Server).stats},
	{"explain", `request -> the plan: chunks touched and skipped, index, bytes, columns, order, endpoints; reads no row`, (*Server).explain},
	{"about", `nothing -> {"server": version, "protocol": 1, "features": names of optional members and actions}`, (*Server).about},
	{"refresh", `{"file"} -> drops what is cached about it`, (*Server).refresh},
	{"stage", `request -> {"path", "bytes", "rows", "lease"}: an Arrow IPC file in shared memory`, (*Server).stage},
	{"ring", `request -> {"path", "slots", "lease"}, then one result per block in shared memory`, (*Server).ring},
	{"CreatePreparedStatement", "Flight SQL's: a statement -> its handle and columns", sqlAction((*sql.Handler).Prepare)},
	{"ClosePreparedStatement", "Flight SQL's: a handle", sqlAction((*sql.Handler).Forget)},
	{"CancelFlightInfo", "a FlightInfo of a SQL statement -> whether the statement was running here, and has been ended", sqlAction((*sql.Handler).CancelInfo)},
	{"CancelQuery", "Flight SQL's former CancelFlightInfo", sqlAction((*sql.Handler).CancelQuery)},
	{"release", `{"lease"} or {"lease", "slots"} -> frees what was staged`, (*Server).release},
}

// ListActions tells what DoAction can do.
func (s *Server) ListActions(_ *arrowflight.Empty, stream arrowflight.FlightService_ListActionsServer) error {
	for _, a := range actions {
		if err := stream.Send(&arrowflight.ActionType{Type: a.name, Description: a.about}); err != nil {
			return err
		}
	}
	return nil
}

// DoAction runs one of ListActions.
func (s *Server) DoAction(in *arrowflight.Action, stream arrowflight.FlightService_DoActionServer) error {
	return s.act(stream.Context(), in.GetType(), in.GetBody(), func(v any) error { return answer(stream, v) })
}

// act carries out an action.
func (s *Server) act(ctx context.Context, name string, body []byte, answer func(any) error) error {
	var names []string
	for _, a := range actions {
		if a.name == name {
			callOf(ctx).action.set(a.name)
			return a.run(s, ctx, body, answer)
		}
		names = append(names, a.name)
	}
	return fault.New(fault.Unsupported, "no action %s: there are %s", strict.Short(name), strings.Join(names, ", "))
}

// encoded is a result's body.
type encoded []byte

// bodyOf is the bytes of a result.
func bodyOf(v any) ([]byte, error) {
	if body, is := v.(encoded); is {
		return body, nil
	}
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("flight: encode a result: %w", err)
	}
	return body, nil
}

func answer(stream arrowflight.FlightService_DoActionServer, v any) error {
	body, err := bodyOf(v)
	if err != nil {
		return err
	}
	return stream.Send(&arrowflight.Result{Body: body})
}

// parseNames reads an object of the strings given; all are required.
func parseNames(what string, body []byte, names map[string]*string) error {
	o, err := strict.Parse(what, body)
	if err != nil {
		return err
	}
	known := map[string]strict.Bind{}
	for name, dst := range names {
		known[name] = strict.Text(dst)
	}
	if err := o.BindAll(what, "", known); err != nil {
		return err
	}
	for _, name := range []string{"file", "dataset"} {
		if dst, ok := names[name]; ok && *dst == "" {
			return fault.New(fault.Invalid, "%s: member %s is required", what, name)
		}
	}
	return nil
}

func (s *Server) list(ctx context.Context, body []byte, answer func(any) error) error {
	c, err := criteria.Parse(body)
	if err != nil {
		return err
	}
	return s.trees(ctx, c, func(file string, t *reader.Tree, err error) error {
		if err != nil {
			return answer(struct {
				File  string `json:"file"`
				Error string `json:"error"`
			}{file, s.reason(ctx, file, err)})
		}
		return answer(struct {
			File string `json:"file"`
			*reader.Tree
		}{file, c.Chosen(t)})
	})
}

// Description is the answer to the action describe.
type Description struct {
	File string `json:"file"`
	reader.Info
	Schema     []column          `json:"schema"`
	Metadata   map[string]string `json:"metadata"`
	ChunkCount reader.Count      `json:"chunk_count"`
	Ratio      float64           `json:"ratio,omitempty"` // bytes of the elements by bytes in the file
	Indexes    []string          `json:"indexes"`
}

type column struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Nullable bool              `json:"nullable"`
	Metadata map[string]string `json:"metadata"`
}

func (s *Server) describe(ctx context.Context, body []byte, answer func(any) error) error {
	var file, dataset string
	if err := parseNames("describe", body, map[string]*string{"file": &file, "dataset": &dataset}); err != nil {
		return err
	}
	d, err := s.described(ctx, file, dataset)
	if err != nil {
		return err
	}
	d.File = file
	return answer(d)
}

// Describe tells what is known of a dataset but for the name of its file.
func Describe(ctx context.Context, f *reader.File, dataset string) (d Description, err error) {
	ds, err := f.Dataset(ctx, dataset)
	if err != nil {
		return d, err
	}
	d.Info = ds.Info()
	if d.ChunkCount, d.Stored, err = ds.Storage(); err != nil {
		return d, err
	}
	if d.Stored > 0 && d.Bytes >= 0 {
		d.Ratio = float64(d.Bytes) / float64(d.Stored)
	}
	d.Schema, d.Metadata = columns(d.Info.Schema)
	if d.Kind == "table" {
		d.Indexes, err = ds.Indexes(ctx)
	}
	return d, err
}

func columns(schema *arrow.Schema) ([]column, map[string]string) {
	out := []column{}
	if schema == nil {
		return out, nil
	}
	for _, f := range schema.Fields() {
		out = append(out, column{f.Name, f.Type.String(), f.Nullable, f.Metadata.ToMap()})
	}
	return out, schema.Metadata().ToMap()
}

// explain tells how a request would be answered.
func (s *Server) explain(ctx context.Context, body []byte, answer func(any) error) error {
	r, err := protocol.ParseTicket(body)
	if err != nil {
		return err
	}
	p, err := s.plan(ctx, r)
	if err != nil {
		return err
	}
	x, err := p.Explain(ctx)
	if err != nil {
		return err
	}
	endpoints, err := s.endpoints(r, body, p)
	if err != nil {
		return err
	}
	if n := len(endpoints); n > 1 {
		x.Words = append(x.Words, fmt.Sprintf("GetFlightInfo splits it into %d endpoints by rows", n))
	}
	return answer(struct {
		File    string `json:"file"`
		Dataset string `json:"dataset"`
		*reader.Explanation
		Endpoints int `json:"endpoints"`
	}{r.File, r.Target(), x, len(endpoints)})
}

func (s *Server) refresh(ctx context.Context, body []byte, answer func(any) error) error {
	var file string
	if err := parseNames("refresh", body, map[string]*string{"file": &file}); err != nil {
		return err
	}
	loc, err := s.catalog.Resolve(ctx, file)
	if err != nil {
		return err
	}
	callOf(ctx).file.set(file)
	s.engine.Refresh(loc.Path)
	return answer(map[string]string{"refreshed": file})
}
