package match

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/where"
)

// NewJoint compiles a where over columns of several datasets, whose sources are given by path (those that are not are not served). asked
// are the raw columns that it reads, in the order of Columns. Errors: those of NewCondition.
func NewJoint(of map[string]convert.Source, columns []frame.Column, text string, vars map[string]any) (c *Condition, asked []frame.Column, err error) {
	c = &Condition{}
	members, err := c.join(of, columns)
	if err != nil {
		return nil, nil, err
	}
	if err := c.compile(text, vars); err != nil {
		return nil, nil, err
	}
	for _, n := range c.numbers {
		raw := members[n]
		raw.As, raw.Mask = frame.Plain, ""
		asked = append(asked, raw)
	}
	return c, asked, nil
}

// join makes the scope of the columns and of what lies in them: each operand has the number of one of members.
func (c *Condition) join(of map[string]convert.Source, columns []frame.Column) (members []frame.Column, err error) {
	scopes := map[string][]operand{}
	for _, col := range columns {
		source, served := of[col.Path]
		if !served || col.Reason != "" {
			c.scope = append(c.scope, operand{Column: where.Column{Name: col.Name, Why: "it is not served"}, number: len(members)})
			members = append(members, col)
			continue
		}
		raw, known := scopes[col.Path]
		if !known {
			if raw, err = scopeOf(source, nil); err != nil {
				return nil, fault.New(fault.Of(err), "%s: %w", col.Path, err)
			}
			scopes[col.Path] = raw
		}
		for _, o := range raw {
			rest, in := o.source, col.Member == ""
			if !in {
				rest, in = strings.CutPrefix(o.source, col.Member)
			}
			if !in || col.Member != "" && rest != "" && rest[0] != '/' {
				continue
			}
			member := col
			if member.Member != "" {
				member.Name, member.Member = col.Name+rest, o.source
			}
			c.scope = append(c.scope, joined(member, o, len(members)))
			members = append(members, member)
		}
	}
	return members, nil
}

// joined is the operand that a dataset's is as a column of several.
func joined(col frame.Column, o operand, number int) operand {
	if col.Mask != "" {
		o.Kind, o.Why = where.None, "which of its values are missing is in another dataset"
	} else if framed, ok := framedOperand(col, o); ok {
		o = framed
	}
	o.Name, o.source, o.number = col.Name, col.Name, number
	return o
}

// Asks goes through a record of the condition's Columns, as they come by index.AsValues, for the places of the rows that it holds for.
func (c *Condition) Asks(rec arrow.Record) []int64 {
	n := rec.NumRows()
	l := &probeScratch{eval: c.program.NewEval(), vectors: make([]where.Vector, len(c.inputs)), set: make([]byte, n)}
	l.evaluate(c.inputs, rec)
	return l.collect(0, []rows.Run{{N: n, Step: 1}}, false).Places
}

// Single tells which dataset all columns of a condition are of; false where there are several, or none.
func Single(asked []frame.Column) (path string, ok bool) {
	if len(asked) == 0 {
		return "", false
	}
	path = asked[0].Path
	return path, !slices.ContainsFunc(asked, func(c frame.Column) bool { return c.Path != path })
}
