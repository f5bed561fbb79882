package main

import (
	"fmt"
	"regexp"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// why is what ended a statement: what a scan could not give, else what DuckDB says, and which values of parameters are not of their types.
func (d *database) why(message string) error {
	switch {
	case d.broken != nil:
		return d.broken
	case strings.Contains(message, "Out of Memory"):
		return failed("memory", "the statement takes more memory than it may have: ask for less at once, or give the server more (--memory)")
	}
	return failed("invalid", "%s%s", message, d.misfits())
}

// misfits tells of values of parameters that the statement takes as another type.
func (d *database) misfits() (told string) {
	asked := d.asked
	d.asked.Parameters = nil // what is asked here has none
	if len(asked.Parameters) == 0 {
		return ""
	}
	p, err := d.prepare(asked.SQL)
	if err != nil {
		return ""
	}
	defer duckdb.DestroyPrepare(&p)
	for i, value := range asked.Parameters {
		t := duckdb.ParamLogicalType(p, duckdb.IdxT(i+1))
		as := castable[duckdb.GetTypeId(t)]
		duckdb.DestroyLogicalType(&t)
		if as == "" || value == "NULL" {
			continue
		}
		if lost, err := d.text(fmt.Sprintf("SELECT (TRY_CAST(%s AS %s) IS NULL)::VARCHAR", value, as)); err != nil || lost == "true" {
			told += fmt.Sprintf("\nParameter %d is %.100s, where the statement takes %s.", i+1, value, as)
		}
	}
	return told
}

var castable = map[duckdb.Type]string{
	duckdb.TypeTinyInt: "TINYINT", duckdb.TypeSmallInt: "SMALLINT", duckdb.TypeInteger: "INTEGER", duckdb.TypeBigInt: "BIGINT", duckdb.TypeHugeInt: "HUGEINT", duckdb.TypeUTinyInt: "UTINYINT",
	duckdb.TypeUSmallInt: "USMALLINT", duckdb.TypeUInteger: "UINTEGER", duckdb.TypeUBigInt: "UBIGINT", duckdb.TypeFloat: "FLOAT", duckdb.TypeDouble: "DOUBLE", duckdb.TypeBoolean: "BOOLEAN",
	duckdb.TypeDate: "DATE", duckdb.TypeTimestamp: "TIMESTAMP", duckdb.TypeTimestampNS: "TIMESTAMP_NS", duckdb.TypeTimestampMS: "TIMESTAMP_MS", duckdb.TypeTimestampS: "TIMESTAMP_S",
}

var (
	pivots = regexp.MustCompile(`(?i)\bpivot(_wider)?\b`)
	begins = regexp.MustCompile(`(?s)^(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*(\w+)`)
)

// unread refuses what DuckDB parses and does not take for one that reads, before it is bound to what is there.
func unread(text string) error {
	found := begins.FindStringSubmatch(text)
	if found == nil {
		return nil
	}
	switch word := strings.ToUpper(found[1]); word {
	case "SELECT", "WITH", "FROM", "VALUES", "TABLE", "PIVOT", "PIVOT_WIDER", "UNPIVOT", "DESCRIBE", "DESC", "SHOW", "SUMMARIZE", "EXPLAIN":
		if pivots.MatchString(text) {
			return failed("unsupported", "PIVOT whose columns only the values tell takes two statements: name the values, PIVOT t ON kind IN (1, 2, 3) USING sum(x), or group by them")
		}
		return nil
	default:
		return failed("invalid", "%s is not taken: this server reads only: a statement is SELECT, or EXPLAIN before it", word)
	}
}
