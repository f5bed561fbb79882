package sql

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/flight/flightsql/schema_ref"
	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
)

// fact is something that clients ask by a number: text, bool, int64 or int32.
type fact struct {
	number uint32
	value  any
}

// facts are what the server says of itself.
func (h *Handler) facts() []fact {
	of := func(n pb.SqlInfo, v any) fact { return fact{uint32(n), v} }
	return []fact{
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_NAME, "mtflight"),
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_VERSION, h.version),
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_ARROW_VERSION, arrow.PkgVersion),
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_READ_ONLY, true),
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_SQL, h.engines.Path != ""),
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_SUBSTRAIT, false),
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_TRANSACTION, int32(pb.SqlSupportedTransaction_SQL_SUPPORTED_TRANSACTION_NONE)),
		of(pb.SqlInfo_FLIGHT_SQL_SERVER_CANCEL, false),
		of(pb.SqlInfo_SQL_DDL_CATALOG, false),
		of(pb.SqlInfo_SQL_DDL_SCHEMA, false),
		of(pb.SqlInfo_SQL_DDL_TABLE, false),
		of(pb.SqlInfo_SQL_IDENTIFIER_CASE, int64(pb.SqlSupportedCaseSensitivity_SQL_CASE_SENSITIVITY_CASE_INSENSITIVE)),
		of(pb.SqlInfo_SQL_IDENTIFIER_QUOTE_CHAR, `"`),
		of(pb.SqlInfo_SQL_QUOTED_IDENTIFIER_CASE, int64(pb.SqlSupportedCaseSensitivity_SQL_CASE_SENSITIVITY_CASE_INSENSITIVE)),
		of(pb.SqlInfo_SQL_ALL_TABLES_ARE_SELECTABLE, true),
		of(pb.SqlInfo_SQL_NULL_ORDERING, int64(pb.SqlNullOrdering_SQL_NULLS_SORTED_AT_END)),
		of(pb.SqlInfo_SQL_SCHEMA_TERM, "file"),
		of(pb.SqlInfo_SQL_CATALOG_TERM, "server"),
		of(pb.SqlInfo_SQL_TRANSACTIONS_SUPPORTED, false),
	}
}

// info are the facts asked for, or all.
func (h *Handler) info(c *pb.CommandGetSqlInfo) records {
	return func(yield func(arrow.Record, error) bool) {
		b := array.NewRecordBuilder(memory.NewGoAllocator(), schema_ref.SqlInfo)
		defer b.Release()
		facts := h.facts()
		for _, n := range c.Info {
			if !slices.ContainsFunc(facts, func(f fact) bool { return f.number == n }) {
				yield(nil, fault.New(fault.NotFound, "SqlInfo %d is not known", n))
				return
			}
		}
		for _, f := range facts {
			if len(c.Info) == 0 || slices.Contains(c.Info, f.number) {
				b.Field(0).(*array.Uint32Builder).Append(f.number)
				appendFact(b.Field(1).(*array.DenseUnionBuilder), f.value)
			}
		}
		yield(b.NewRecord(), nil)
	}
}

func appendFact(u *array.DenseUnionBuilder, value any) {
	switch v := value.(type) {
	case string:
		u.Append(0)
		u.Child(0).(*array.StringBuilder).Append(v)
	case bool:
		u.Append(1)
		u.Child(1).(*array.BooleanBuilder).Append(v)
	case int64:
		u.Append(2)
		u.Child(2).(*array.Int64Builder).Append(v)
	case int32:
		u.Append(3)
		u.Child(3).(*array.Int32Builder).Append(v)
	}
}
