package sql

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/internal/sqlwire"
)

// free is a Budget without end.
type free struct{}

func (free) Reserve(context.Context, int64, bool) (bool, error) { return true, nil }
func (free) Return(int64)                                       {}
func (free) Acquire(context.Context, int64) error               { return nil }
func (free) Release(int64)                                      {}
func (free) Memory() (used, all int64)                          { return 0, 4 << 30 }

// TestEngineThatEnds: one that is no engine, and one that is not there, are errors in words, and nothing is left of them.
func TestEngineThatEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	loud := filepath.Join(t.TempDir(), "loud")
	require.NoError(t, os.WriteFile(loud, []byte("#!/bin/sh\necho 'std::bad_alloc' >&2\nexit 1\n"), 0o700))
	for path, kind := range map[string]error{"/bin/false": fault.Unavailable, "/no/such": fault.Unavailable, loud: fault.Exhausted, "": fault.Unsupported} {
		h := New(nil, "1", Engine{Path: path, Budget: free{}, Threads: 1, Time: time.Minute})
		for range 2 * Statements {
			_, err := h.run(t.Context(), statement{SQL: "select 1"})
			require.ErrorIs(t, err, kind, path)
		}
		h.Close()
	}
}

// TestStatementsEndInTime: one without end gives its turn to others.
func TestStatementsEndInTime(t *testing.T) {
	defer goleak.VerifyNone(t)
	endless := filepath.Join(t.TempDir(), "endless")
	require.NoError(t, os.WriteFile(endless, []byte("#!/bin/sh\nexec sleep 3600\n"), 0o700))
	h := New(nil, "1", Engine{Path: endless, Budget: free{}, Threads: 1, Time: 50 * time.Millisecond})
	defer h.Close()
	for range Statements + 1 {
		_, err := h.run(t.Context(), statement{SQL: "select count(*) from range(1000000000000)"})
		require.ErrorIs(t, err, fault.Exhausted)
		require.ErrorContains(t, err, "--sql-time")
	}
}

// TestStatementsOfOneLeaveRoom: whoever has as many as one may have waits, and others do not.
func TestStatementsOfOneLeaveRoom(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		e := newEngines(Engine{Budget: free{}, Each: Statements - 1})
		ann, bob := bufpool.For(t.Context(), "ann"), bufpool.For(t.Context(), "bob")
		var all []func()
		for range Statements - 1 {
			free, err := e.turn(ann)
			require.NoError(t, err)
			all = append(all, free)
		}
		gone, leave := context.WithCancel(ann)
		got := make(chan error, 1)
		go func() {
			_, err := e.turn(gone)
			got <- err
		}()
		synctest.Wait()
		require.Empty(t, got, "ann's next one waits")
		free, err := e.turn(bob)
		require.NoError(t, err, "bob's does not")
		leave()
		require.ErrorIs(t, <-got, context.Canceled)
		full, end := context.WithCancel(bob)
		go func() {
			_, err := e.turn(full)
			got <- err
		}()
		synctest.Wait()
		require.Empty(t, got, "there is no room")
		end()
		require.ErrorIs(t, <-got, context.Canceled)
		for _, f := range append(all, free) {
			f()
		}
		require.Empty(t, e.owners)
		require.Empty(t, e.slots)
	})
}

// TestShareOfStatements: together they take half of the memory at most, or one takes the least that there is.
func TestShareOfStatements(t *testing.T) {
	for _, c := range []struct {
		set, all, each int64
		most           int
	}{
		{0, 64 << 20, 64 << 20, 1}, {0, 200 << 20, 64 << 20, 1}, {0, 400 << 20, 64 << 20, 3}, {0, 800 << 20, 100 << 20, 4}, {0, 3 << 30, 256 << 20, 4}, {0, 16 << 30, 1 << 30, 4},
		{1 << 30, 64 << 20, 1 << 30, Statements}, {1, 64 << 20, 64 << 20, Statements},
	} {
		each, most := Share(c.set, c.all)
		require.Equal(t, []any{c.each, c.most}, []any{each, most}, c)
	}
}

// scarce is a Budget of which a statement's memory was taken, and nothing else is left.
type scarce struct {
	free
	reserved, returned int64
}

func (s *scarce) Reserve(_ context.Context, n int64, _ bool) (bool, error) {
	s.reserved += n
	return true, nil
}
func (s *scarce) Return(n int64) { s.returned += n }

func (*scarce) Acquire(context.Context, int64) error { return fault.New(fault.Exhausted, "no room") }

// TestStatementsAreInTheBudget: with their engine, and with what is read of it.
func TestStatementsAreInTheBudget(t *testing.T) {
	defer goleak.VerifyNone(t)
	long := filepath.Join(t.TempDir(), "long")
	require.NoError(t, os.WriteFile(long, []byte("#!/bin/sh\nprintf 'H\\0\\0\\0\\0\\0\\0\\0\\020\\0\\0\\0\\0' >&4\nexec sleep 3600\n"), 0o700))
	budget := &scarce{}
	h := New(nil, "1", Engine{Path: long, Budget: budget, Threads: 1, Time: time.Hour})
	defer h.Close()
	_, err := h.run(t.Context(), statement{SQL: "select 1"})
	require.EqualError(t, err, "no room")
	require.Equal(t, []int64{1 << 28, 1 << 28}, []int64{budget.reserved, budget.returned})
}

// little is a Budget smaller than the least that a statement takes.
type little struct{ scarce }

func (*little) Memory() (used, all int64) { return 0, 50 << 20 }

// TestStatementsOfLittleMemory leave half of it for the rows that they ask for.
func TestStatementsOfLittleMemory(t *testing.T) {
	budget := &little{}
	e := newEngines(Engine{Budget: budget})
	leave, err := e.room(t.Context())
	require.NoError(t, err)
	leave()
	require.Equal(t, []int64{25 << 20, 25 << 20}, []int64{budget.reserved, budget.returned})
}

// TestScansAreBounded: a statement that reads a table a thousand times is told so; an engine that asks for no table is at fault itself.
func TestScansAreBounded(t *testing.T) {
	c := &session{tables: []*source{{}}, scans: map[uint32]*feed{}}
	require.ErrorContains(t, c.scan(sqlwire.Frame{Payload: []byte(`{"table":1}`)}), "scan 0 of table 1")
	for i := range maxScans {
		c.scans[uint32(i)] = &feed{}
	}
	err := c.scan(sqlwire.Frame{Scan: maxScans, Payload: []byte(`{"table":0}`)})
	require.ErrorIs(t, err, fault.Exhausted)
	require.ErrorContains(t, err, "more than 1024 times")
	many, err := json.Marshal(make([]sqlwire.Wanted, maxScans+1))
	require.NoError(t, err)
	require.EqualError(t, c.explain(many), "SQL: the statement reads tables more than 1024 times: name each once, in WITH")
}

// TestEngineThatSaysWhatItShouldNot is ended at once, though it would live on.
func TestEngineThatSaysWhatItShouldNot(t *testing.T) {
	defer goleak.VerifyNone(t)
	wild := filepath.Join(t.TempDir(), "wild")
	require.NoError(t, os.WriteFile(wild, []byte("#!/bin/sh\nprintf 'a frame that no engine sends' >&4\nexec sleep 3600\n"), 0o700))
	h := New(nil, "1", Engine{Path: wild, Budget: free{}, Threads: 1, Time: time.Hour})
	defer h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := h.run(ctx, statement{SQL: "select 1"})
	require.NoError(t, ctx.Err())
	require.ErrorIs(t, err, fault.Unavailable)
}

func TestLiterals(t *testing.T) {
	mem := memory.NewGoAllocator()
	ns := &arrow.TimestampType{Unit: arrow.Nanosecond}
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.BinaryTypes.String}, {Name: "c", Type: arrow.PrimitiveTypes.Float64},
		{Name: "d", Type: arrow.BinaryTypes.Binary}, {Name: "e", Type: arrow.FixedWidthTypes.Boolean}, {Name: "f", Type: ns}, {Name: "g", Type: arrow.PrimitiveTypes.Int8, Nullable: true}}, nil)
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(math.MinInt64)
	b.Field(1).(*array.StringBuilder).Append("it's -- '; drop")
	b.Field(2).(*array.Float64Builder).Append(math.Inf(-1))
	b.Field(3).(*array.BinaryBuilder).Append([]byte{0, 255})
	b.Field(4).(*array.BooleanBuilder).Append(true)
	b.Field(5).(*array.TimestampBuilder).Append(1)
	b.Field(6).AppendNull()
	r := b.NewRecord()
	defer r.Release()
	got, err := literals(r)
	require.NoError(t, err)
	require.Equal(t, []string{"(-9223372036854775808)", "'it''s -- ''; drop'", "CAST('-inf' AS DOUBLE)", "from_hex('00ff')", "true",
		"CAST('1970-01-01 00:00:00.000000001' AS TIMESTAMP_NS)", "NULL"}, got)
	null, err := literal(array.NewNull(1))
	require.NoError(t, err)
	require.Equal(t, "NULL", null)
	_, err = text("a\x00b")
	require.ErrorIs(t, err, fault.Invalid)
}

// TestShelfIsBoundedInBytes: what large statements take is bounded, whatever their number; the newest is always kept.
func TestShelfIsBoundedInBytes(t *testing.T) {
	var s shelf
	ctx := identity.With(t.Context(), identity.Identity{Name: "ann", How: "token"})
	large := strings.Repeat("x", maxCommand)
	var last string
	for range 3 * maxPreparedBytes / maxCommand {
		last = s.add(&prepared{owner: "ann", statement: statement{SQL: large}})
	}
	require.LessOrEqual(t, len(s.all)*maxCommand, maxPreparedBytes)
	require.Len(t, s.order["ann"], len(s.all))
	for range maxPreparedBytes / maxValues {
		require.NoError(t, s.set(ctx, []byte(last), []string{large}))
	}
	require.NoError(t, s.set(ctx, []byte(last), []string{strings.Repeat("x", 2*maxPreparedBytes)}))
	require.Len(t, s.all, 1)
	_, err := s.of(ctx, []byte(last))
	require.NoError(t, err)
}

// TestCancelIsTheOwners: nobody ends a statement of another.
func TestCancelIsTheOwners(t *testing.T) {
	h, ended := New(nil, "1", Engine{}), 0
	as := func(name string) context.Context {
		return identity.With(t.Context(), identity.Identity{Name: name, How: "token"})
	}
	forget := h.running.add(as("ann"), "7", func() { ended++ })
	for id, want := range map[string]pb.CancelStatus{"7": pb.CancelStatus_CANCEL_STATUS_CANCELLED, "8": pb.CancelStatus_CANCEL_STATUS_NOT_CANCELLABLE} {
		handle, err := pack(&pb.TicketStatementQuery{StatementHandle: []byte(`{"sql": "x", "id": "` + id + `"}`)})
		require.NoError(t, err)
		body, err := proto.Marshal(&pb.CancelFlightInfoRequest{Info: &pb.FlightInfo{Endpoint: []*pb.FlightEndpoint{{Ticket: &pb.Ticket{Ticket: []byte(`{"file": "x"}`)}}, {Ticket: &pb.Ticket{Ticket: handle}}}}})
		require.NoError(t, err)
		for _, name := range []string{"bob", "ann"} {
			told, err := h.CancelInfo(as(name), body)
			require.NoError(t, err)
			var r pb.CancelFlightInfoResult
			require.NoError(t, proto.Unmarshal(told, &r))
			if name == "bob" {
				require.Equal(t, pb.CancelStatus_CANCEL_STATUS_NOT_CANCELLABLE, r.GetStatus())
			} else {
				require.Equal(t, want, r.GetStatus(), id)
			}
		}
	}
	require.Equal(t, 1, ended)
	forget()
	require.Empty(t, h.running.all)
	for _, bad := range []string{"\xff", ""} {
		_, err := h.CancelQuery(as("ann"), []byte(bad))
		require.ErrorIs(t, err, fault.Invalid)
	}
}

// TestShelf: handles are their owner's, and the oldest are forgotten.
func TestShelf(t *testing.T) {
	var s shelf
	as := func(name string) context.Context {
		return identity.With(t.Context(), identity.Identity{Name: name, How: "token"})
	}
	first := s.add(&prepared{owner: "ann", statement: statement{SQL: "1"}})
	_, err := s.of(as("bob"), []byte(first))
	require.ErrorIs(t, err, fault.NotFound)
	require.ErrorIs(t, s.set(as("bob"), []byte(first), nil), fault.NotFound)
	require.ErrorIs(t, s.close(as("bob"), []byte(first)), fault.NotFound)
	require.NoError(t, s.set(as("ann"), []byte(first), []string{"7"}))
	p, err := s.of(as("ann"), []byte(first))
	require.NoError(t, err)
	require.Equal(t, []string{"7"}, p.statement.Parameters)
	for range maxPrepared {
		s.add(&prepared{owner: "ann"})
	}
	_, err = s.of(as("ann"), []byte(first))
	require.ErrorIs(t, err, fault.NotFound)
	require.Len(t, s.all, maxPrepared)
	last := s.add(&prepared{owner: "bob"})
	require.NoError(t, s.close(as("bob"), []byte(last)))
	require.Len(t, s.all, maxPrepared)
}
