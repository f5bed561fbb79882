package sql

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/sqlwire"
)

// explain keeps what EXPLAIN tells of scans: what is asked of each table, and what that touches. No row is read.
func (c *session) explain(payload []byte) error {
	var all []sqlwire.Wanted
	if err := json.Unmarshal(payload, &all); err != nil {
		return fmt.Errorf("the SQL engine's scans: %w", err)
	}
	if len(all) > maxScans {
		return tooManyScans()
	}
	for _, w := range all {
		if w.Table < 0 || w.Table >= len(c.tables) {
			return fmt.Errorf("the SQL engine's scan of table %d", w.Table)
		}
		text, err := c.scanned(c.tables[w.Table], w)
		if err != nil {
			return err
		}
		c.told = append(c.told, text)
	}
	return nil
}

// scanned tells of one scan.
func (c *session) scanned(s *source, w sqlwire.Wanted) (string, error) {
	p, columns, r, err := c.plan(s, w)
	if err != nil {
		return "", err
	}
	lines := []string{fmt.Sprintf("%q.%q", r.File, r.Dataset)}
	if len(columns) == 0 && len(w.Where) == 0 && s.rows >= 0 {
		return strings.Join(append(lines, "only the number of rows is asked for, which is known"), "\n") + "\n", nil
	}
	x, err := p.Explain(c.ctx)
	if err != nil {
		return "", err
	}
	names := make([]string, len(columns))
	for i, k := range columns {
		names[i] = p.Schema().Field(k).Name
	}
	lines = append(lines, "columns asked for: "+orNone(strings.Join(names, ", ")))
	condition := ""
	if r.Where != nil {
		condition = *r.Where
	}
	lines = append(lines, "condition handed over: "+orNone(condition))
	if r.Limit != nil {
		lines = append(lines, fmt.Sprintf("rows at most: %d", *r.Limit))
	}
	lines = append(lines, fmt.Sprintf("chunks: %d, touched at most %d, skipped by statistics %d", x.Chunks, x.Touched, x.Skipped))
	return strings.Join(append(lines, x.Words...), "\n") + "\n", nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// explained is what was told as rows of EXPLAIN's answer, the caller's own; nil: there is nothing.
func (c *session) explained(s *arrow.Schema) arrow.Record {
	if len(c.told) == 0 || s.NumFields() != 2 || s.Field(0).Type.ID() != arrow.STRING || s.Field(1).Type.ID() != arrow.STRING {
		return nil
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), s)
	defer b.Release()
	for _, text := range c.told {
		b.Field(0).(*array.StringBuilder).Append("mtflight_scan")
		b.Field(1).(*array.StringBuilder).Append(text)
	}
	return b.NewRecord()
}
