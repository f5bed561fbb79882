package sql

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/flight/flightsql/schema_ref"
	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/protocol"
)

const tableType = "TABLE"

// Bounds of a batch of the catalogue.
const (
	batchRows  = 1024
	batchBytes = 1 << 20
)

// errEnough is given by a receiver who wants no more.
var errEnough = errors.New("enough")

// nothing is no row.
func nothing(func(arrow.Record, error) bool) {}

func catalogs(yield func(arrow.Record, error) bool) { yield(texts(schema_ref.Catalogs, Catalog), nil) }

func tableTypes(yield func(arrow.Record, error) bool) {
	yield(texts(schema_ref.TableTypes, tableType), nil)
}

// texts is a row of texts.
func texts(schema *arrow.Schema, values ...string) arrow.Record {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer b.Release()
	for i, v := range values {
		b.Field(i).(*array.StringBuilder).Append(v)
	}
	return b.NewRecord()
}

// inCatalog tells whether a filter by catalog takes ours: none does.
func inCatalog(filter *string) bool { return filter == nil || *filter == Catalog }

// schemas are the files.
func (h *Handler) schemas(ctx context.Context, c *pb.CommandGetDbSchemas) records {
	return rows(schema_ref.DBSchemas, func(b *batch) error {
		if !inCatalog(c.Catalog) {
			return nil
		}
		wanted, err := newPattern(c.DbSchemaFilterPattern)
		if err != nil {
			return err
		}
		return h.service.Files(ctx, func(file string) error {
			if !wanted.match(file) {
				return nil
			}
			return b.add(0, Catalog, file)
		})
	})
}

// tablesSchema is with a column of schemas where they are asked for.
func tablesSchema(c *pb.CommandGetTables) *arrow.Schema {
	if c.GetIncludeSchema() {
		return schema_ref.TablesWithIncludedSchema
	}
	return schema_ref.Tables
}

// tables are the datasets, data frames and groups of columns of files that can be read. What is changed or broken meanwhile is passed over.
func (h *Handler) tables(ctx context.Context, c *pb.CommandGetTables) records {
	return rows(tablesSchema(c), func(b *batch) error {
		if !inCatalog(c.Catalog) || len(c.TableTypes) > 0 && !slices.Contains(c.TableTypes, tableType) {
			return nil
		}
		schemas, err := newPattern(c.DbSchemaFilterPattern)
		if err != nil {
			return err
		}
		tables, err := newPattern(c.TableNameFilterPattern)
		if err != nil {
			return err
		}
		return h.service.Files(ctx, func(file string) error {
			if !schemas.match(file) {
				return nil
			}
			all, err := h.service.Datasets(ctx, file)
			if err != nil {
				return context.Cause(ctx)
			}
			for _, d := range all {
				if !tables.match(d.Path) {
					continue
				}
				if err := h.table(ctx, b, file, d, c.GetIncludeSchema()); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// table adds one, if it can be asked for as SQL needs it.
func (h *Handler) table(ctx context.Context, b *batch, file string, d protocol.Info, withSchema bool) error {
	p, err := h.service.Plan(ctx, Request(file, d.Path))
	if err != nil {
		return context.Cause(ctx)
	}
	if !withSchema {
		return b.add(0, Catalog, file, d.Path, tableType)
	}
	schema := arrowflight.SerializeSchema(described(p.Schema(), file, d, p.Rows()), memory.NewGoAllocator())
	b.Field(4).(*array.BinaryBuilder).Append(schema)
	return b.add(len(schema), Catalog, file, d.Path, tableType)
}

// Request is for all of a table, in types that SQL has.
func Request(file, dataset string) protocol.Request {
	return protocol.Request{File: file, Dataset: dataset, Options: protocol.Options{Plain: true}}
}

// described is a table's schema as clients of Flight SQL look at it: the names of types in SQL, the comment, the number of rows.
func described(s *arrow.Schema, file string, d protocol.Info, rows int64) *arrow.Schema {
	fields := slices.Clone(s.Fields())
	for i, f := range fields {
		fields[i].Metadata = arrow.MetadataFrom(map[string]string{
			"ARROW:FLIGHT:SQL:CATALOG_NAME": Catalog, "ARROW:FLIGHT:SQL:SCHEMA_NAME": file, "ARROW:FLIGHT:SQL:TABLE_NAME": d.Path,
			"ARROW:FLIGHT:SQL:TYPE_NAME": typeName(f.Type), "ARROW:FLIGHT:SQL:IS_READ_ONLY": "1", "ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT": "0",
			"ARROW:FLIGHT:SQL:IS_SEARCHABLE": "1", "ARROW:FLIGHT:SQL:IS_CASE_SENSITIVE": "1",
		})
	}
	about := arrow.MetadataFrom(map[string]string{"rows": strconv.FormatInt(rows, 10), "comment": d.Comment})
	return arrow.NewSchema(fields, &about)
}

// batch is rows that are gathered, and given out when they are many.
type batch struct {
	*array.RecordBuilder
	rows, bytes int
	yield       func(arrow.Record, error) bool
}

// rows are what fill adds.
func rows(schema *arrow.Schema, fill func(b *batch) error) records {
	return func(yield func(arrow.Record, error) bool) {
		b := &batch{RecordBuilder: array.NewRecordBuilder(memory.NewGoAllocator(), schema), yield: yield}
		defer b.Release()
		err := fill(b)
		if err == nil && b.rows > 0 {
			err = b.flush()
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

// add adds the texts that a row begins with; what else is in it takes so many bytes.
func (b *batch) add(bytes int, values ...string) error {
	for i, v := range values {
		b.Field(i).(*array.StringBuilder).Append(v)
		bytes += len(v)
	}
	b.rows, b.bytes = b.rows+1, b.bytes+bytes
	if b.rows < batchRows && b.bytes < batchBytes {
		return nil
	}
	return b.flush()
}

func (b *batch) flush() error {
	b.rows, b.bytes = 0, 0
	if !b.yield(b.NewRecord(), nil) {
		return errEnough
	}
	return nil
}

// fixed are the rows of a table in JSON, which is right as it is built.
func fixed(schema *arrow.Schema, text string) records {
	return func(yield func(arrow.Record, error) bool) {
		yield(fromJSON(schema, text))
	}
}
