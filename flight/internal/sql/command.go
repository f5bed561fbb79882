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

// answer finds the columns and the rows of a command.
func (h *Handler) answer(ctx context.Context, message []byte) (*arrow.Schema, records, error) {
	m, err := parse(message)
	if err != nil {
		return nil, nil, err
	}
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
	case *pb.CommandStatementQuery, *pb.TicketStatementQuery, *pb.CommandPreparedStatementQuery:
		return nil, nil, noEngine()
	}
	return nil, nil, fault.New(fault.Unsupported, "%s: this server reads only, by SQL text", m.ProtoReflect().Descriptor().Name())
}

// Schema gives the columns of a command's answer.
func (h *Handler) Schema(ctx context.Context, command []byte) (*arrow.Schema, error) {
	schema, _, err := h.answer(ctx, command)
	return schema, err
}

// Answer begins what a ticket asks for; a command of the catalogue is its own ticket.
func (h *Handler) Answer(ctx context.Context, ticket []byte) (*Answer, error) {
	schema, all, err := h.answer(ctx, ticket)
	if err != nil {
		return nil, err
	}
	return newAnswer(schema, all), nil
}
