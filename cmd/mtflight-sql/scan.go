package main

/*
#include <stdlib.h>
#include <stdint.h>
extern void scanBind(void*);
extern void scanInit(void*);
extern void scanLocal(void*);
extern void scanRows(void*, void*);
static void* bindOf(void) { return (void*)scanBind; }
static void* initOf(void) { return (void*)scanInit; }
static void* localOf(void) { return (void*)scanLocal; }
static void* rowsOf(void) { return (void*)scanRows; }
static void* freeOf(void) { return (void*)free; }
static void* number(int64_t n) { int64_t* p = malloc(sizeof n); *p = n; return p; }
*/
import "C"

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/mtflight/mtflight/internal/sqlwire"
)

// function is the table function that every table is a view over.
const function = "mtflight_scan"

// now is the database of this process, of which its callbacks know.
var now *database

// scan is one pass over the rows of a table.
type scan struct {
	id      uint32
	link    *link
	schema  *arrow.Schema // of the columns that are asked for
	columns []int         // which of them each vector gets, -1: none
	threads int
	came    chan sqlwire.Frame

	mu   sync.Mutex
	over bool
	err  error
}

// local is what a thread has in work.
type local struct {
	record arrow.RecordBatch
	at     int
}

var locals = struct {
	sync.Mutex
	all []*local
}{}

// register makes the function known.
func register(conn duckdb.Connection) error {
	f := duckdb.CreateTableFunction()
	defer duckdb.DestroyTableFunction(&f)
	t := duckdb.CreateLogicalType(duckdb.TypeBigInt)
	defer duckdb.DestroyLogicalType(&t)
	duckdb.TableFunctionSetName(f, function)
	duckdb.TableFunctionAddParameter(f, t)
	duckdb.TableFunctionSetBind(f, C.bindOf())
	duckdb.TableFunctionSetInit(f, C.initOf())
	duckdb.TableFunctionSetLocalInit(f, C.localOf())
	duckdb.TableFunctionSetFunction(f, C.rowsOf())
	duckdb.TableFunctionSupportsProjectionPushdown(f, true)
	if duckdb.RegisterTableFunction(conn, f) != duckdb.StateSuccess {
		return failed("internal", "DuckDB does not take a table function")
	}
	return nil
}

//export scanBind
func scanBind(p unsafe.Pointer) {
	info := duckdb.BindInfo{Ptr: p}
	v := duckdb.BindGetParameter(info, 0)
	n := duckdb.GetInt64(v)
	duckdb.DestroyValue(&v)
	if n < 0 || n >= int64(len(now.tables)) {
		duckdb.BindSetError(info, "there is no such table")
		return
	}
	t, seen := now.tables[n], map[string]bool{}
	for _, f := range t.schema.Fields() {
		kind, ok := typeOf(f.Type)
		if !ok {
			duckdb.BindSetError(info, fmt.Sprintf("column %s is %v, which SQL does not have here", f.Name, f.Type))
			return
		}
		name := f.Name
		for k := 1; seen[strings.ToLower(name)]; k++ {
			name = fmt.Sprintf("%s_%d", f.Name, k)
		}
		seen[strings.ToLower(name)] = true
		duckdb.BindAddResultColumn(info, name, kind)
		duckdb.DestroyLogicalType(&kind)
	}
	if t.rows >= 0 {
		duckdb.BindSetCardinality(info, duckdb.IdxT(t.rows), true)
	}
	duckdb.BindSetBindData(info, C.number(C.int64_t(n)), C.freeOf())
}

// numberOf is what C.number holds.
func numberOf(p unsafe.Pointer) int { return int(*(*int64)(p)) }

//export scanInit
func scanInit(p unsafe.Pointer) {
	info := duckdb.InitInfo{Ptr: p}
	n := numberOf(duckdb.InitGetBindData(info))
	var asked []int
	for i := range duckdb.InitGetColumnCount(info) {
		asked = append(asked, int(duckdb.InitGetColumnIndex(info, i)))
	}
	s, err := now.begin(n, asked)
	if err != nil {
		duckdb.InitSetError(info, err.Error())
		return
	}
	duckdb.InitSetMaxThreads(info, duckdb.IdxT(s.threads))
	duckdb.InitSetInitData(info, C.number(C.int64_t(s.id)), C.freeOf())
}

//export scanLocal
func scanLocal(p unsafe.Pointer) {
	locals.Lock()
	defer locals.Unlock()
	locals.all = append(locals.all, &local{})
	duckdb.InitSetInitData(duckdb.InitInfo{Ptr: p}, C.number(C.int64_t(len(locals.all)-1)), C.freeOf())
}

func localOf(n int) *local {
	locals.Lock()
	defer locals.Unlock()
	return locals.all[n]
}

// vectorRows is how many rows DuckDB takes at a time.
const vectorRows = 2048

//export scanRows
func scanRows(p, chunk unsafe.Pointer) {
	info, out := duckdb.FunctionInfo{Ptr: p}, duckdb.DataChunk{Ptr: chunk}
	s, lo := now.link.scan(uint32(numberOf(duckdb.FunctionGetInitData(info)))), localOf(numberOf(duckdb.FunctionGetLocalInitData(info)))
	for lo.record == nil || lo.at == int(lo.record.NumRows()) {
		if lo.record != nil {
			lo.record.Release()
			lo.record = nil
		}
		r, err := s.next()
		if err != nil {
			duckdb.FunctionSetError(info, err.Error())
			return
		}
		if r == nil {
			duckdb.DataChunkSetSize(out, 0)
			return
		}
		lo.record, lo.at = r, 0
	}
	n := min(vectorRows, int(lo.record.NumRows())-lo.at)
	for k, c := range s.columns {
		if c >= 0 {
			fill(duckdb.DataChunkGetVector(out, duckdb.IdxT(k)), lo.record.Column(c).Data(), lo.at, n)
		}
	}
	lo.at += n
	duckdb.DataChunkSetSize(out, duckdb.IdxT(n))
}

// begin begins a scan of the n-th table. Columns beyond its own are DuckDB's row numbers, which nothing here asks for.
func (d *database) begin(n int, asked []int) (*scan, error) {
	s := &scan{link: d.link, threads: min(4, max(1, d.asked.Threads)), came: make(chan sqlwire.Frame, 16)}
	w, places := d.wanted(n, columnsOf(d.tables[n], asked))
	s.columns = places
	fields := make([]arrow.Field, len(w.Columns))
	for i, c := range w.Columns {
		fields[i] = d.tables[n].schema.Field(c)
	}
	s.schema = arrow.NewSchema(fields, nil)
	d.link.mu.Lock()
	s.id = d.link.next
	d.link.next++
	d.link.scans[s.id] = s
	d.link.mu.Unlock()
	if err := d.link.sendJSON(sqlwire.Scan, s.id, w); err != nil {
		return nil, err
	}
	for range s.threads + 1 {
		if err := d.link.send(sqlwire.More, s.id); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// wanted is what a scan of the n-th table asks of the server, and which of its columns each of DuckDB's is; -1: none.
func (d *database) wanted(n int, columns []int) (w sqlwire.Wanted, places []int) {
	push := wished(d.wishes, n, columns)
	w = sqlwire.Wanted{Table: n, Columns: []int{}, Where: push.where, Limit: push.most}
	for _, c := range columns {
		if c < 0 || push.countsOnly {
			places = append(places, -1)
			continue
		}
		places = append(places, len(w.Columns))
		w.Columns = append(w.Columns, c)
	}
	return w, places
}

// pushed is what the scans of a statement ask, each once.
func (d *database) pushed() (all []sqlwire.Wanted) {
	for i, one := range d.wishes {
		told := slices.ContainsFunc(d.wishes[:i], func(w wish) bool { return w.table == one.table && slices.Equal(w.columns, one.columns) })
		if w, _ := d.wanted(one.table, one.columns); !told {
			all = append(all, w)
		}
	}
	return all
}

// columnsOf are the columns of a table that DuckDB asks for; -1: one that it has not.
func columnsOf(t table, asked []int) []int {
	all := make([]int, len(asked))
	for i, c := range asked {
		if all[i] = c; c < 0 || c >= t.schema.NumFields() {
			all[i] = -1
		}
	}
	return all
}

func (l *link) scan(id uint32) *scan {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.scans[id]
}
