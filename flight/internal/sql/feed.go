package sql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/sqlwire"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// source is a table that a statement names: its columns and the version of its file that all scans read.
type source struct {
	request protocol.Request
	schema  *arrow.Schema
	rows    int64
}

// conditions tells whether those of a request see the values that the columns have. Of categories of data frames they see the codes.
func (s *source) conditions() bool {
	kind, _ := s.schema.Metadata().GetValue("hdf5.kind")
	shape, _ := s.schema.Metadata().GetValue("hdf5.shape") // null of a frame
	return (kind == "table" || kind == "array") && shape != "null" || kind == "columns"
}

// maxTables bounds those that a statement names.
const maxTables = 256

// resolve tells the engine of the tables that its statement names.
func (c *session) resolve(payload []byte) error {
	var names [][]string
	if err := json.Unmarshal(payload, &names); err != nil {
		return fmt.Errorf("the SQL engine's names: %w", err)
	}
	if len(names) > maxTables {
		return fault.New(fault.Exhausted, "SQL: the statement names %d tables, more than %d", len(names), maxTables)
	}
	told := make([]sqlwire.Described, len(names))
	for i, parts := range names {
		s, err := c.find(parts)
		if err != nil {
			return err
		}
		c.tables = append(c.tables, s)
		var b bytes.Buffer
		if err := ipc.NewWriter(&b, ipc.WithSchema(arrow.NewSchema(bare(s.schema.Fields()), nil)), ipc.WithAllocator(memory.NewGoAllocator())).Close(); err != nil {
			return err
		}
		told[i] = sqlwire.Described{Schema: b.Bytes(), Rows: s.rows}
	}
	return c.tell(sqlwire.Table, 0, told)
}

// bare are fields without metadata, which the engine would take for its own.
func bare(fields []arrow.Field) []arrow.Field {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = arrow.Field{Name: f.Name, Type: f.Type, Nullable: true}
	}
	return out
}

// find finds a table by the parts of its name.
func (c *session) find(parts []string) (*source, error) {
	file, dataset, err := c.place(parts)
	if err != nil {
		return nil, err
	}
	s := &source{request: Request(file, dataset)}
	p, err := c.service.Plan(c.ctx, s.request)
	if err != nil && !strings.HasPrefix(dataset, "/") {
		s.request.Dataset = "/" + dataset
		p, err = c.service.Plan(c.ctx, s.request)
	}
	if err != nil {
		return nil, err
	}
	s.schema, s.rows, s.request.State = p.Schema(), p.Rows(), p.State()
	return s, nil
}

// feed gives the engine the rows of a scan, a batch each time it asks.
type feed struct {
	session *session
	id      uint32
	more    chan struct{}
}

// maxAhead bounds the batches that an engine asks for at once.
const maxAhead = 64

// scan begins one.
func (c *session) scan(f sqlwire.Frame) error {
	var w sqlwire.Wanted
	if err := json.Unmarshal(f.Payload, &w); err != nil {
		return fmt.Errorf("the SQL engine's scan: %w", err)
	}
	if w.Table < 0 || w.Table >= len(c.tables) || c.scans[f.Scan] != nil {
		return fmt.Errorf("the SQL engine's scan %d of table %d", f.Scan, w.Table)
	}
	if len(c.scans) >= maxScans {
		return tooManyScans()
	}
	fd := &feed{session: c, id: f.Scan, more: make(chan struct{}, maxAhead)}
	c.scans[f.Scan] = fd
	c.running.Go(func() { fd.run(c.tables[w.Table], w) })
	return nil
}

func tooManyScans() error {
	return fault.New(fault.Exhausted, "SQL: the statement reads tables more than %d times: name each once, in WITH", maxScans)
}

// more asks for one more batch.
func (c *session) more(scan uint32) error {
	f := c.scans[scan]
	if f == nil {
		return fmt.Errorf("the SQL engine asks for rows of scan %d", scan)
	}
	select {
	case f.more <- struct{}{}:
		return nil
	default:
		return fmt.Errorf("the SQL engine asks for %d batches at once", maxAhead)
	}
}

// run sends batches until there are no more, and why.
func (f *feed) run(s *source, w sqlwire.Wanted) {
	c := f.session
	err := f.rows(s, w)
	var why sqlwire.Failure
	if err != nil {
		c.mu.Lock()
		if c.failed == nil {
			c.failed = err
		}
		c.mu.Unlock()
		why = sqlwire.Failure{Kind: "scan", Message: err.Error()}
	}
	_ = c.tell(sqlwire.End, f.id, why) // without the engine nobody waits for it
}

// turn waits until the engine wants a batch; false: it has ended.
func (f *feed) turn() bool {
	select {
	case <-f.more:
		return true
	case <-f.session.ctx.Done():
		return false
	}
}

func (f *feed) rows(s *source, w sqlwire.Wanted) error {
	if len(w.Columns) == 0 && len(w.Where) == 0 && s.rows >= 0 {
		return f.count(s.rows)
	}
	p, columns, _, err := f.session.plan(s, w)
	if err != nil {
		return err
	}
	run := p.Run(f.session.ctx)
	defer run.Release()
	for f.turn() && run.Next() {
		r := run.Record()
		if len(w.Columns) == 0 {
			err = f.session.write(sqlwire.Rows, f.id, sqlwire.Message(nil, []byte(fmt.Sprint(r.NumRows())))...)
		} else {
			err = f.send(r, columns)
		}
		if err != nil {
			return err
		}
	}
	if err := run.Err(); err != nil && f.session.ctx.Err() == nil {
		return err
	}
	return run.Settle()
}

// countStep is how many rows without columns come at once.
const countStep = 1 << 20

// count sends rows of no columns.
func (f *feed) count(rows int64) error {
	for at := int64(0); at < rows && f.turn(); at += countStep {
		if err := f.session.write(sqlwire.Rows, f.id, sqlwire.Message(nil, []byte(fmt.Sprint(min(countStep, rows-at))))...); err != nil {
			return err
		}
	}
	return nil
}

// send sends a batch's columns.
func (f *feed) send(r arrow.Record, columns []int) error {
	fields, values := make([]arrow.Field, len(columns)), make([]arrow.Array, len(columns))
	for i, c := range columns {
		fields[i], values[i] = r.Schema().Field(c), r.Column(c)
	}
	some := array.NewRecord(arrow.NewSchema(fields, nil), values, r.NumRows())
	defer some.Release()
	m, err := encode(some.Schema(), some)
	if err != nil {
		return err
	}
	last := m[len(m)-1]
	return f.session.write(sqlwire.Rows, f.id, sqlwire.Message(last.head, last.body...)...)
}

// plan plans a scan, and tells where in its batches the columns are, and what is asked.
func (c *session) plan(s *source, w sqlwire.Wanted) (*reader.Plan, []int, protocol.Request, error) {
	r := s.request
	if w.Limit >= 0 && len(w.Where) == 0 {
		r.Limit = &w.Limit
	}
	if s.conditions() {
		r.Where = c.taken(r, w.Where)
	}
	names := map[string]bool{}
	for _, f := range s.schema.Fields() {
		names[f.Name] = true
	}
	for _, i := range w.Columns {
		if i < 0 || i >= len(s.schema.Fields()) {
			return nil, nil, r, fmt.Errorf("the SQL engine's column %d", i)
		}
		r.Fields = append(r.Fields, s.schema.Field(i).Name)
	}
	if len(w.Columns) == 0 {
		r.Fields = []string{s.schema.Field(0).Name}
	}
	if len(names) == len(s.schema.Fields()) {
		if p, err := c.service.Plan(c.ctx, r); err == nil && same(p.Schema(), s.schema, w.Columns) {
			places := make([]int, len(w.Columns))
			for i := range places {
				places[i] = i
			}
			return p, places, r, nil
		}
	}
	r.Fields = nil
	p, err := c.service.Plan(c.ctx, r)
	if err == nil && !same(p.Schema(), s.schema, nil) {
		err = fault.New(fault.Changed, "the columns of %s %s have changed: ask again", r.File, r.Dataset)
	}
	return p, w.Columns, r, err
}

// maxConditions bounds those that are tried.
const maxConditions = 32

// taken are those of some conditions that the server takes of a dataset, joined; nil: none. The others are left out, since the engine looks at the
// rows itself. Mostly it takes all, which is asked first.
func (c *session) taken(r protocol.Request, conditions []string) *string {
	conditions = conditions[:min(len(conditions), maxConditions)]
	if len(conditions) == 0 {
		return nil
	}
	if all := strings.Join(conditions, " & "); c.takes(r, all) {
		return &all
	}
	some := ""
	for _, one := range conditions {
		if some != "" {
			one = some + " & " + one
		}
		if c.takes(r, one) {
			some = one
		}
	}
	if some == "" {
		return nil
	}
	return &some
}

func (c *session) takes(r protocol.Request, condition string) bool {
	r.Where = &condition
	_, err := c.service.Plan(c.ctx, r)
	return err == nil
}

// same tells whether a plan's columns are those of the table that were asked for; nil: all.
func same(got, want *arrow.Schema, columns []int) bool {
	if columns == nil {
		for i := range want.Fields() {
			columns = append(columns, i)
		}
	}
	if len(columns) == 0 {
		return true
	}
	if len(got.Fields()) != len(columns) {
		return false
	}
	for i, c := range columns {
		if f := want.Field(c); f.Name != got.Field(i).Name || !arrow.TypeEqual(f.Type, got.Field(i).Type) {
			return false
		}
	}
	return true
}
