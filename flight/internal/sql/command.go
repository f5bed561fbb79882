package sql

import (
	"context"
	"iter"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/flight/flightsql/schema_ref"
	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mtflight/mtflight/internal/fault"
)

// Is tells a command of Flight SQL, or a ticket of one, from a request: an Any begins with its first field, a request with a brace.
func Is(message []byte) bool { return len(message) > 0 && message[0] == 0x0a }

// records are what a command is answered by, one after the other; the receiver releases each.
type records = iter.Seq2[arrow.Record, error]

// maxCommand is as long as a request may be.
const maxCommand = 1 << 20

// parse takes the message out of its Any.
func parse(message []byte) (proto.Message, error) {
	if len(message) > maxCommand {
		return nil, fault.New(fault.Invalid, "command: %d bytes are more than %d", len(message), maxCommand)
	}
	var any anypb.Any
	if err := proto.Unmarshal(message, &any); err != nil {
		return nil, fault.New(fault.Invalid, "command: no message of Flight SQL: %w", err)
	}
	m, err := any.UnmarshalNew()
	if err != nil {
		return nil, fault.New(fault.Invalid, "command %q: not one of Flight SQL, or damaged", any.GetTypeUrl())
	}
	return m, nil
}

// answer finds the columns and the rows of a command of the catalogue.
func (h *Handler) answer(ctx context.Context, m proto.Message) (*arrow.Schema, records, error) {
	switch c := m.(type) {
	case *pb.CommandGetCatalogs:
		return schema_ref.Catalogs, catalogs, nil
	case *pb.CommandGetDbSchemas:
		return schema_ref.DBSchemas, h.schemas(ctx, c), nil
	case *pb.CommandGetTables:
		return tablesSchema(c), h.tables(ctx, c), nil
	case *pb.CommandGetTableTypes:
		return schema_ref.TableTypes, tableTypes, nil
	case *pb.CommandGetSqlInfo:
		return schema_ref.SqlInfo, h.info(c), nil
	case *pb.CommandGetXdbcTypeInfo:
		return schema_ref.XdbcTypeInfo, typeInfo(c), nil
	case *pb.CommandGetPrimaryKeys:
		return schema_ref.PrimaryKeys, nothing, nil
	case *pb.CommandGetImportedKeys, *pb.CommandGetExportedKeys, *pb.CommandGetCrossReference:
		return schema_ref.ImportedExportedKeysAndCrossReference, nothing, nil
	}
	return nil, nil, fault.New(fault.Unsupported, "%s: this server reads only, by SQL text", m.ProtoReflect().Descriptor().Name())
}

// Schema gives the columns of a command's answer, and its ticket: a command of the catalogue is its own.
func (h *Handler) Schema(ctx context.Context, command []byte) (schema *arrow.Schema, ticket []byte, err error) {
	m, err := parse(command)
	if err != nil {
		return nil, nil, err
	}
	switch c := m.(type) {
	case *pb.CommandStatementQuery:
		if len(c.GetTransactionId()) > 0 {
			return nil, nil, noTransactions()
		}
		s := statement{SQL: c.GetQuery()}
		if schema, _, err = h.describe(ctx, s); err != nil {
			return nil, nil, err
		}
		ticket, err = s.ticket()
		return schema, ticket, err
	case *pb.CommandPreparedStatementQuery:
		p, err := h.shelf.of(ctx, c.GetPreparedStatementHandle())
		if err != nil {
			return nil, nil, err
		}
		if schema = p.columns; len(p.statement.Parameters) > 0 { // which types may depend on
			if schema, _, err = h.describe(ctx, p.statement); err != nil {
				return nil, nil, err
			}
		}
		ticket, err = p.statement.ticket()
		return schema, ticket, err
	}
	schema, _, err = h.answer(ctx, m)
	return schema, command, err
}

// Answer begins what a ticket asks for.
func (h *Handler) Answer(ctx context.Context, ticket []byte) (*Answer, error) {
	m, err := parse(ticket)
	if err != nil {
		return nil, err
	}
	switch t := m.(type) {
	case *pb.TicketStatementQuery:
		s, err := parseStatement(t.GetStatementHandle())
		if err != nil {
			return nil, err
		}
		return h.run(ctx, s)
	case *pb.CommandStatementQuery:
		return h.run(ctx, statement{SQL: t.GetQuery()})
	case *pb.CommandPreparedStatementQuery:
		p, err := h.shelf.of(ctx, t.GetPreparedStatementHandle())
		if err != nil {
			return nil, err
		}
		return h.run(ctx, p.statement)
	}
	schema, all, err := h.answer(ctx, m)
	if err != nil {
		return nil, err
	}
	return newAnswer(schema, all), nil
}
