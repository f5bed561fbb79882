package main

import (
	"fmt"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/mtflight/mtflight/internal/sqlwire"
)

// database is DuckDB's, in memory, with one connection.
type database struct {
	conn   duckdb.Connection
	link   *link
	asked  sqlwire.Statement
	tables []table
	wishes []wish // of the statement's plan
	broken error  // of a scan
}

// open makes the database and closes everything that leads out of it.
func open(memory int64) (*database, error) {
	var db duckdb.Database
	var config duckdb.Config
	var message string
	if duckdb.CreateConfig(&config) != duckdb.StateSuccess {
		return nil, failed("internal", "no configuration of DuckDB's")
	}
	for name, value := range map[string]string{"threads": "1", "temp_directory": "", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"} {
		duckdb.SetConfig(config, name, value)
	}
	if duckdb.OpenExt(":memory:", &db, config, &message) != duckdb.StateSuccess {
		return nil, failed("internal", "DuckDB: %s", message)
	}
	d := &database{}
	if duckdb.Connect(db, &d.conn) != duckdb.StateSuccess {
		return nil, failed("internal", "no connection to DuckDB")
	}
	err := d.do("ATTACH ':memory:' AS mtflight", "USE mtflight", fmt.Sprintf("SET memory_limit = '%dB'", memory),
		"SET enable_external_access = false", "SET preserve_insertion_order = true", "SET TimeZone = 'UTC'")
	if err != nil {
		return nil, err
	}
	now = d
	return d, register(d.conn)
}

// do carries out statements of our own.
func (d *database) do(statements ...string) error {
	for _, s := range statements {
		var r duckdb.Result
		state := duckdb.Query(d.conn, s, &r)
		message := duckdb.ResultError(&r)
		duckdb.DestroyResult(&r)
		if state != duckdb.StateSuccess {
			return failed("internal", "%s: %s", s, message)
		}
	}
	return nil
}

// answer answers a statement.
func (d *database) answer(l *link, s sqlwire.Statement) error {
	d.link, d.asked = l, s
	if err := d.do(fmt.Sprintf("SET threads = %d", max(1, s.Threads))); err != nil {
		return err
	}
	text, err := substitute(s.SQL, s.Parameters)
	if err != nil {
		return err
	}
	if err := d.resolve(text); err != nil {
		return err
	}
	if err := d.do("SET lock_configuration = true"); err != nil {
		return err
	}
	p, err := d.prepare(text)
	if err != nil {
		return err
	}
	defer duckdb.DestroyPrepare(&p)
	if s.Describe {
		return d.describe(p)
	}
	if n := int(duckdb.NParams(p)); n > 0 {
		return failed("invalid", "the statement has %d parameters more than there are values", n)
	}
	d.wishes = d.wishesOf(text)
	if duckdb.PreparedStatementType(p) == duckdb.StatementTypeExplain && len(d.wishes) > 0 {
		if err := l.sendJSON(sqlwire.Pushed, 0, d.pushed()); err != nil {
			return err
		}
	}
	return d.run(p)
}

// prepare takes one statement that reads.
func (d *database) prepare(text string) (p duckdb.PreparedStatement, err error) {
	var all duckdb.ExtractedStatements
	n := duckdb.ExtractStatements(d.conn, text, &all)
	defer duckdb.DestroyExtracted(&all)
	switch {
	case n == 0:
		message := duckdb.ExtractStatementsError(all)
		if message == "" {
			message = "there is no statement"
		}
		return p, d.why(message)
	case n > 1:
		return p, failed("invalid", "there are %d statements: send one at a time", n)
	}
	if duckdb.PrepareExtractedStatement(d.conn, all, 0, &p) != duckdb.StateSuccess {
		defer duckdb.DestroyPrepare(&p)
		return p, d.why(duckdb.PrepareError(p))
	}
	if t := duckdb.PreparedStatementType(p); t != duckdb.StatementTypeSelect && t != duckdb.StatementTypeExplain {
		defer duckdb.DestroyPrepare(&p)
		return p, failed("invalid", "this server reads only: a statement is SELECT, or EXPLAIN before it")
	}
	return p, nil
}

// quote is a text in SQL.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// name is an identifier in SQL.
func name(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
