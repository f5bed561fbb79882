package main

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/mtflight/mtflight/internal/sqlwire"
)

// Batches are joined up to one of these.
const (
	batchRows  = 64 << 10
	batchBytes = 8 << 20
)

// columns is the schema of a prepared statement's result.
func (d *database) columns(p duckdb.PreparedStatement) (*arrow.Schema, error) {
	n := duckdb.PreparedStatementColumnCount(p)
	types, names := make([]duckdb.LogicalType, n), make([]string, n)
	for i := range n {
		types[i], names[i] = known(duckdb.PreparedStatementColumnLogicalType(p, i)), duckdb.PreparedStatementColumnName(p, i)
		defer duckdb.DestroyLogicalType(&types[i])
	}
	return d.schema(types, names)
}

func (d *database) schema(types []duckdb.LogicalType, names []string) (*arrow.Schema, error) {
	var options duckdb.ArrowOptions
	duckdb.ConnectionGetArrowOptions(d.conn, &options)
	defer duckdb.DestroyArrowOptions(&options)
	s, wrong := duckdb.NewArrowSchema(options, types, names)
	defer duckdb.DestroyErrorData(&wrong)
	if duckdb.ErrorDataHasError(wrong) {
		return nil, failed("unsupported", "the result's columns: %s", duckdb.ErrorDataMessage(wrong))
	}
	for _, f := range s.Fields() {
		if !sendable(f.Type) {
			return nil, failed("unsupported", "column %s of the result is %v: cast it to varchar", f.Name, f.Type)
		}
	}
	return s, nil
}

// text is the one value of a query of our own.
func (d *database) text(sql string) (string, error) {
	var result duckdb.Result
	state := duckdb.Query(d.conn, sql, &result)
	defer duckdb.DestroyResult(&result)
	if state != duckdb.StateSuccess {
		return "", d.why(duckdb.ResultError(&result))
	}
	kind := duckdb.CreateLogicalType(duckdb.TypeVarchar)
	defer duckdb.DestroyLogicalType(&kind)
	s, err := d.schema([]duckdb.LogicalType{kind}, []string{"text"})
	if err != nil {
		return "", err
	}
	chunk := duckdb.FetchChunk(result)
	defer duckdb.DestroyDataChunk(&chunk)
	var options duckdb.ArrowOptions
	duckdb.ConnectionGetArrowOptions(d.conn, &options)
	defer duckdb.DestroyArrowOptions(&options)
	r, wrong := duckdb.DataChunkToArrowArray(options, s, chunk)
	defer duckdb.DestroyErrorData(&wrong)
	if duckdb.ErrorDataHasError(wrong) || r.NumRows() != 1 {
		return "", failed("internal", "a text of DuckDB's: %s", duckdb.ErrorDataMessage(wrong))
	}
	defer r.Release()
	return strings.Clone(r.Column(0).(*array.String).Value(0)), nil
}

// sendable tells whether every client reads a type, and a batch alone has all of it.
func sendable(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType, arrow.UnionType, arrow.ExtensionType:
		return false
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if !sendable(f.Type) {
				return false
			}
		}
	}
	return true
}

// known is a type, or that of texts where a parameter's value has yet to decide about it.
func known(t duckdb.LogicalType) duckdb.LogicalType {
	if t.Ptr != nil {
		switch duckdb.GetTypeId(t) {
		case duckdb.TypeInvalid, duckdb.TypeAny:
		default:
			return t
		}
		duckdb.DestroyLogicalType(&t)
	}
	return duckdb.CreateLogicalType(duckdb.TypeVarchar)
}

// describe tells columns and parameters.
func (d *database) describe(p duckdb.PreparedStatement) error {
	s, err := d.columns(p)
	if err != nil {
		return err
	}
	n := duckdb.NParams(p)
	types, names := make([]duckdb.LogicalType, n), make([]string, n)
	for i := range n {
		types[i], names[i] = duckdb.ParamLogicalType(p, i+1), fmt.Sprint(i+1)
		if types[i].Ptr == nil || !isValue(duckdb.GetTypeId(types[i])) {
			duckdb.DestroyLogicalType(&types[i])
			types[i] = duckdb.CreateLogicalType(duckdb.TypeVarchar)
		}
		if isMoment(duckdb.GetTypeId(types[i])) { // JDBC sends milliseconds, whatever unit it is told
			duckdb.DestroyLogicalType(&types[i])
			types[i] = duckdb.CreateLogicalType(duckdb.TypeTimestampMS)
		}
		defer duckdb.DestroyLogicalType(&types[i])
	}
	parameters, err := d.schema(types, names)
	if err != nil {
		return err
	}
	return d.link.sendJSON(sqlwire.Columns, 0, sqlwire.Result{Schema: schemaBytes(s), Parameters: schemaBytes(parameters)})
}

func isMoment(t duckdb.Type) bool {
	return t == duckdb.TypeTimestamp || t == duckdb.TypeTimestampNS || t == duckdb.TypeTimestampS || t == duckdb.TypeTimestampTZ
}

// isValue tells the types that a parameter's value may have.
func isValue(t duckdb.Type) bool {
	switch t {
	case duckdb.TypeInvalid, duckdb.TypeAny, duckdb.TypeSQLNull, duckdb.TypeList, duckdb.TypeStruct, duckdb.TypeMap, duckdb.TypeArray, duckdb.TypeUnion,
		duckdb.TypeStringLiteral, duckdb.TypeIntegerLiteral, duckdb.TypeEnum:
		return false
	}
	return true
}

// run sends the result as it comes.
func (d *database) run(p duckdb.PreparedStatement) error {
	s, err := d.columns(p)
	if err != nil {
		return err
	}
	if err := d.link.sendJSON(sqlwire.Columns, 0, sqlwire.Result{Schema: schemaBytes(s)}); err != nil {
		return err
	}
	var pending duckdb.PendingResult
	if duckdb.PendingPreparedStreaming(p, &pending) != duckdb.StateSuccess {
		defer duckdb.DestroyPending(&pending)
		return d.why(duckdb.PendingError(pending))
	}
	defer duckdb.DestroyPending(&pending)
	var result duckdb.Result
	if duckdb.ExecutePending(pending, &result) != duckdb.StateSuccess {
		defer duckdb.DestroyResult(&result)
		return d.why(duckdb.ResultError(&result))
	}
	defer duckdb.DestroyResult(&result)
	return d.sendAll(&result, s)
}

func (d *database) sendAll(result *duckdb.Result, s *arrow.Schema) error {
	var options duckdb.ArrowOptions
	duckdb.ConnectionGetArrowOptions(d.conn, &options)
	defer duckdb.DestroyArrowOptions(&options)
	joined := joiner{schema: s, link: d.link}
	for {
		chunk := duckdb.FetchChunk(*result)
		if chunk.Ptr == nil {
			break
		}
		record, wrong := duckdb.DataChunkToArrowArray(options, s, chunk)
		duckdb.DestroyDataChunk(&chunk)
		if duckdb.ErrorDataHasError(wrong) {
			defer duckdb.DestroyErrorData(&wrong)
			return failed("unsupported", "a batch of the result: %s", duckdb.ErrorDataMessage(wrong))
		}
		duckdb.DestroyErrorData(&wrong)
		if err := joined.add(record); err != nil {
			return err
		}
	}
	if message := duckdb.ResultError(result); message != "" || d.broken != nil {
		return d.why(message)
	}
	return joined.flush()
}

// joiner sends many small batches as few.
type joiner struct {
	schema *arrow.Schema
	link   *link
	now    []arrow.RecordBatch
	rows   int64
	bytes  int64
}

func (j *joiner) add(r arrow.RecordBatch) error {
	j.now, j.rows = append(j.now, r), j.rows+r.NumRows()
	for _, c := range r.Columns() {
		j.bytes += int64(c.Data().SizeInBytes())
	}
	if j.rows < batchRows && j.bytes < batchBytes {
		return nil
	}
	return j.flush()
}

func (j *joiner) flush() error {
	if j.rows == 0 {
		return nil
	}
	columns := make([]arrow.Array, j.schema.NumFields())
	for i := range columns {
		parts := make([]arrow.Array, len(j.now))
		for k, r := range j.now {
			parts[k] = r.Column(i)
		}
		c, err := array.Concatenate(parts, memory.NewGoAllocator())
		if err != nil {
			return failed("unsupported", "column %s of the result: %v", j.schema.Field(i).Name, err)
		}
		columns[i] = c
	}
	b, bytes := array.NewRecordBatch(j.schema, columns, j.rows), j.bytes
	for _, r := range j.now {
		r.Release()
	}
	j.now, j.rows, j.bytes = nil, 0, 0
	return j.sendParts(b, bytes)
}

// sendParts sends rows of so many bytes as batches that are not much larger than one should be.
func (j *joiner) sendParts(b arrow.RecordBatch, bytes int64) error {
	parts := min(max(bytes/batchBytes, 1), b.NumRows())
	for k := range parts {
		part := b.NewSlice(k*b.NumRows()/parts, (k+1)*b.NumRows()/parts)
		err := j.send(part)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// parts are the slices that a writer is given.
type parts struct{ all [][]byte }

func (p *parts) Write(b []byte) (int, error) {
	p.all = append(p.all, b)
	return len(b), nil
}

func (j *joiner) send(b arrow.RecordBatch) error {
	p, err := ipc.GetRecordBatchPayload(b, ipc.WithAllocator(memory.NewGoAllocator()))
	if err != nil {
		return failed("unsupported", "a batch of the result: %v", err)
	}
	defer p.Release()
	var body parts
	if err := p.SerializeBody(&body); err != nil {
		return err
	}
	meta := p.Meta()
	defer meta.Release()
	return j.link.send(sqlwire.Batch, 0, sqlwire.Message(meta.Bytes(), body.all...)...)
}
