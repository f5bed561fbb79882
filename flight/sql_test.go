package flight

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/flight/flightsql"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/protocol"
)

// sqlAsked reads all of what a command is answered by: the texts of each row, and the bytes of its last column if they are a schema.
func sqlAsked(t *testing.T, c *flightsql.Client, info *arrowflight.FlightInfo, err error) (rows [][]string, schemas []*arrow.Schema) {
	t.Helper()
	require.NoError(t, err)
	stream, err := c.DoGet(t.Context(), info.Endpoint[0].Ticket)
	require.NoError(t, err)
	defer stream.Release()
	told, err := arrowflight.DeserializeSchema(info.Schema, memory.DefaultAllocator)
	require.NoError(t, err)
	require.True(t, told.Equal(stream.Schema()))
	for stream.Next() {
		r := stream.Record()
		for i := range int(r.NumRows()) {
			var row []string
			for _, column := range r.Columns() {
				if b, is := column.(*array.Binary); is {
					s, err := arrowflight.DeserializeSchema(b.Value(i), memory.DefaultAllocator)
					require.NoError(t, err)
					schemas = append(schemas, s)
					continue
				}
				row = append(row, column.ValueStr(i))
			}
			rows = append(rows, row)
		}
	}
	require.NoError(t, stream.Err())
	return rows, schemas
}

// TestSQLCatalogue: the tables of Flight SQL are the datasets, frames and groups of columns that the action list has, with the schema that a request gives.
func TestSQLCatalogue(t *testing.T) {
	s := serveStaging(t, 0)
	plain, _ := s.connect(t)
	c := &flightsql.Client{Client: plain, Alloc: memory.DefaultAllocator}
	ctx := t.Context()
	info, err := c.GetTables(ctx, &flightsql.GetTablesOpts{IncludeSchema: true})
	tables, schemas := sqlAsked(t, c, info, err)
	var listed [][]string
	require.NoError(t, act(plain, "list", map[string]any{"frames": true, "columns": true}, func(body json.RawMessage) error {
		var file struct {
			File     string
			Datasets []protocol.Info
		}
		if err := json.Unmarshal(body, &file); err != nil {
			return err
		}
		for _, d := range file.Datasets {
			if d.Kind != unsupported && !slices.Contains([]string{"real/sample_simple.hdf5/table/columns", "refused.h5/"}, file.File+d.Path) { // of which a column is not served
				listed = append(listed, []string{"mtflight", file.File, d.Path, "TABLE"})
			}
		}
		return nil
	}))
	require.Equal(t, listed, tables)
	for i, row := range tables {
		asked, err := json.Marshal(map[string]any{"file": row[1], "dataset": row[2], "options": map[string]bool{"plain": true}})
		require.NoError(t, err)
		r, err := plain.GetSchema(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: asked})
		require.NoError(t, err, row)
		want, err := arrowflight.DeserializeSchema(r.Schema, memory.DefaultAllocator)
		require.NoError(t, err)
		require.Len(t, schemas[i].Fields(), len(want.Fields()))
		for k, f := range want.Fields() {
			require.Equal(t, f.Name, schemas[i].Field(k).Name, row)
			require.True(t, arrow.TypeEqual(f.Type, schemas[i].Field(k).Type), "%v %s", row, f.Name)
			name, _ := schemas[i].Field(k).Metadata.GetValue("ARROW:FLIGHT:SQL:TYPE_NAME")
			require.NotEmpty(t, name)
		}
	}
	one := slices.IndexFunc(tables, func(row []string) bool { return row[1] == "tables.h5" && row[2] == "/events" })
	rows, _ := schemas[one].Metadata().GetValue("rows")
	require.Equal(t, "5000", rows)
}

func TestSQLFilters(t *testing.T) {
	s := serveStaging(t, 0)
	plain, _ := s.connect(t)
	c := &flightsql.Client{Client: plain, Alloc: memory.DefaultAllocator}
	ctx, p := t.Context(), func(s string) *string { return &s }
	for want, o := range map[string]*flightsql.GetTablesOpts{
		"/events": {DbSchemaFilterPattern: p("tables.h5"), TableNameFilterPattern: p("/ev%")},
		"/one":    {DbSchemaFilterPattern: p(`table_\.h5`), TableNameFilterPattern: p("/on_"), TableTypes: []string{"TABLE"}, Catalog: p("mtflight")},
		"":        {TableTypes: []string{"VIEW"}},
		" ":       {Catalog: p("other")},
		"  ":      {DbSchemaFilterPattern: p("tables.h5"), TableNameFilterPattern: p("/event")},
		"   ":     {DbSchemaFilterPattern: p(`tables\_h5`)},
	} {
		info, err := c.GetTables(ctx, o)
		rows, _ := sqlAsked(t, c, info, err)
		if want[:min(1, len(want))] != "/" {
			require.Empty(t, rows, "%q", want)
			continue
		}
		require.Equal(t, [][]string{{"mtflight", "tables.h5", want, "TABLE"}}, rows)
	}
	info, err := c.GetDBSchemas(ctx, &flightsql.GetDBSchemasOpts{DbSchemaFilterPattern: p("ta%")})
	rows, _ := sqlAsked(t, c, info, err)
	require.Equal(t, [][]string{{"mtflight", "tables.h5"}}, rows)
	info, err = c.GetCatalogs(ctx)
	rows, _ = sqlAsked(t, c, info, err)
	require.Equal(t, [][]string{{"mtflight"}}, rows)
	info, err = c.GetTableTypes(ctx)
	rows, _ = sqlAsked(t, c, info, err)
	require.Equal(t, [][]string{{"TABLE"}}, rows)
	info, err = c.GetPrimaryKeys(ctx, flightsql.TableRef{Table: "/events"})
	rows, _ = sqlAsked(t, c, info, err)
	require.Empty(t, rows)
	info, err = c.GetXdbcTypeInfo(ctx, nil)
	rows, _ = sqlAsked(t, c, info, err)
	require.Greater(t, len(rows), 10)
	number := int32(8)
	info, err = c.GetXdbcTypeInfo(ctx, &number)
	rows, _ = sqlAsked(t, c, info, err)
	require.Len(t, rows, 1)
	require.Equal(t, "DOUBLE", rows[0][0])
	info, err = c.GetSqlInfo(ctx, []flightsql.SqlInfo{flightsql.SqlInfoFlightSqlServerName, flightsql.SqlInfoFlightSqlServerReadOnly})
	rows, _ = sqlAsked(t, c, info, err)
	require.Len(t, rows, 2)
	info, err = c.GetSqlInfo(ctx, []flightsql.SqlInfo{99999})
	require.NoError(t, err)
	_, err = c.DoGet(ctx, info.Endpoint[0].Ticket)
	require.Equal(t, codes.NotFound, status.Code(err), err)
}

// TestSQLIsRefusedInWords: what there is no answer to, and what is no message.
func TestSQLIsRefusedInWords(t *testing.T) {
	s := serveStaging(t, 0)
	plain, _ := s.connect(t)
	c := &flightsql.Client{Client: plain, Alloc: memory.DefaultAllocator}
	_, err := c.Execute(t.Context(), "select 1")
	require.Equal(t, codes.Unimplemented, status.Code(err), err)
	_, err = c.ExecuteUpdate(t.Context(), "delete from x")
	require.Equal(t, codes.Unimplemented, status.Code(err), err)
	for _, message := range []string{"\n", "\n\x05", "\n\x03abc", "\n{}", "\n\xff\xff\xff\xff\x0f", "\n\x2etype.googleapis.com/google.protobuf.FileDescriptorSet"} {
		_, err := plain.GetFlightInfo(t.Context(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(message)})
		require.Contains(t, []codes.Code{codes.InvalidArgument, codes.Unimplemented}, status.Code(err), "%q: %v", message, err)
		_, err = plain.GetSchema(t.Context(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(message)})
		require.Contains(t, []codes.Code{codes.InvalidArgument, codes.Unimplemented}, status.Code(err), "%q: %v", message, err)
	}
}

// TestSQLUnderRules: what an identity may not read is not there.
func TestSQLUnderRules(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.CopyFS(root, os.DirFS("../reader/testdata/virtual")))
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n- {for: [ann], files: ['*']}\n- {for: [bob], files: ['*'], except: ['source*']}\n"), 0o600))
	c := newCastle(t, func(config *Config) { config.Roots, config.Security.Rules = []string{root}, rules }, "bob", "carol")
	files := func(name string) (schemas, tables []string) {
		client := &flightsql.Client{Client: c.client(nil, "Bearer "+c.tokens[name]), Alloc: memory.DefaultAllocator}
		info, err := client.GetDBSchemas(context.Background(), &flightsql.GetDBSchemasOpts{})
		rows, _ := sqlAsked(t, client, info, err)
		for _, r := range rows {
			schemas = append(schemas, r[1])
		}
		info, err = client.GetTables(context.Background(), &flightsql.GetTablesOpts{})
		rows, _ = sqlAsked(t, client, info, err)
		for _, r := range rows {
			tables = append(tables, r[1])
		}
		return schemas, slices.Compact(tables)
	}
	schemas, tables := files("ann")
	require.Contains(t, schemas, "source1.h5")
	require.Contains(t, tables, "source1.h5")
	schemas, tables = files("bob")
	require.NotEmpty(t, schemas)
	require.NotContains(t, schemas, "source1.h5")
	require.NotContains(t, tables, "source1.h5")
	schemas, tables = files("carol")
	require.Empty(t, schemas)
	require.Empty(t, tables)
}
