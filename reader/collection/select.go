package collection

import (
	"context"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// selected finds the rows that a NumPy index takes of all files. Where an integer takes one row of all, its file alone is asked, as an array of
// one axis less.
func (p *plan) selected(ctx context.Context) error {
	shape := append([]int64{p.total}, tail(p.members[0].variant.info.Shape)...)
	axes, err := rows.ParseSelect(*p.req.Select, shape)
	if err != nil {
		return err
	}
	if len(shape) > 1 {
		if p.parts, err = rows.SplitSelect(*p.req.Select, len(shape)); err != nil {
			return err
		}
	}
	if len(shape) > 1 && axes[0].Dropped() {
		return p.selectOne(ctx, rows.RowAt(rows.Selected(axes[0]))(0))
	}
	p.seq = rows.PageOf(p.req).Of(rows.Selected(axes[0]))
	return nil
}

func tail(shape []int64) []int64 {
	if len(shape) == 0 {
		return nil
	}
	return shape[1:]
}

// selectOne asks the file of a row.
func (p *plan) selectOne(ctx context.Context, row int64) (err error) {
	if len(p.variants()) > 1 || len(p.made) > 0 {
		return fault.New(fault.Unsupported, "select: an integer in the first place, of files whose types differ or with options.file_column or partitions: take a slice of one row")
	}
	p.only = p.members[p.at(row)]
	q := p.req
	q.Files, q.File, q.State, q.Options.FileColumn, q.Options.Schema, q.Options.OnError = nil, p.only.loc.Name, p.only.state, "", "", ""
	text := p.selectText(strconv.FormatInt(row-p.only.first, 10))
	q.Select = &text
	if p.alone, err = open(ctx, p.eng, p.only, q); err == nil {
		meta := p.schema.Metadata()
		p.schema = withMetadata(p.alone.Schema(), meta)
	}
	return err
}

// selectText is the index with another first part.
func (p *plan) selectText(first string) string {
	return strings.Join(append([]string{first}, p.parts[1:]...), ", ")
}

// selecting asks a file for a piece of the rows that an index takes.
func (p *plan) selecting(q reader.Request, of piece) reader.Request {
	if p.parts == nil {
		return of.slice(q)
	}
	s := of.slice(reader.Request{})
	number := func(v *int64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatInt(*v, 10)
	}
	text := p.selectText(number(s.Start) + ":" + number(s.Stop) + ":" + number(s.Step))
	q.Select = &text
	return q
}

// everyRow is an index of an array with all of its rows; nil where only rows can be chosen, or one is.
func everyRow(text *string, shape []int64) (*string, error) {
	if text == nil || len(shape) < 2 {
		return nil, nil
	}
	parts, err := rows.SplitSelect(*text, len(shape))
	if err != nil {
		return nil, err
	}
	if _, err := strconv.ParseInt(parts[0], 10, 64); err == nil {
		return nil, nil
	}
	parts[0] = ":"
	all := strings.Join(parts, ", ")
	return &all, nil
}
