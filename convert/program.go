package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// Program converts elements of one source to the columns of one request. It is immutable and may be shared.
type Program struct {
	plan    *plan
	columns []column
	schema  *arrow.Schema // without metadata
	perRow  int
	options Options
}

type column struct {
	field arrow.Field
	node  *node
	asked string // the name in the request, for errors
}

// Compile makes a program of the columns named, in their order; nil is all top-level ones. A name that is not there
// is fault.NotFound with near matches, a type that is not served fault.Unsupported with the reason.
func Compile(s Source, fields []string, o Options) (*Program, error) {
	if err := checkOptions(o); err != nil {
		return nil, err
	}
	if err := s.Type.Validate(); err != nil {
		return nil, err
	}
	chosen, err := s.choose(fields)
	if err != nil {
		return nil, err
	}
	perRow, err := s.perRow()
	if err != nil {
		return nil, err
	}
	missing, err := s.missing(o)
	if err != nil {
		return nil, err
	}
	c := &compiler{opts: o, pytables: s.pytables(), numpyText: s.pytables() && s.Wrote, offsetSize: s.OffsetSize, missing: missing, plan: &plan{size: s.Type.Size}}
	p := &Program{plan: c.plan, perRow: perRow, options: o}
	if o.Layout == "rows" {
		err = p.rows(c, s, chosen)
	} else {
		err = p.compile(c, s, chosen)
	}
	if err != nil {
		return nil, err
	}
	c.plan.seal()
	list := make([]arrow.Field, len(p.columns))
	for i, col := range p.columns {
		list[i] = col.field
	}
	if o.Plain {
		if err := Distinct(list); err != nil {
			return nil, err
		}
	}
	p.schema = arrow.NewSchema(list, nil)
	return p, nil
}

func (p *Program) compile(c *compiler, s Source, chosen []Column) error {
	for _, col := range chosen {
		at, meta := position{src: col.offset}, columnMetadata(col.Type, s.Inner)
		if c.opts.NetCDF && s.Attributes != "" && s.Kind() == Array {
			meta = append(meta, [2]string{"hdf5.attributes", s.Attributes})
		}
		var n *node
		var err error
		switch {
		case s.pseudo() != "":
			n, err = c.pseudo(s.pseudo(), col.Type, s.Inner, at)
		case c.opts.Plain && len(s.Inner) == 0 && isStruct(col.Type):
			err = p.flatten(c, col, col.Name, col.Type, at, meta)
		default:
			n, err = c.array(col.Type, s.Inner, at)
		}
		if err != nil {
			return err
		}
		if n != nil {
			p.columns = append(p.columns, column{field(col.Name, n, meta), n, col.Name})
		}
	}
	return nil
}

func isStruct(t *h5type.Type) bool { return t.Class == h5type.Compound || t.Class == h5type.Complex }

// flatten gives a struct's members as columns a.b, for engines that know no structs.
func (p *Program) flatten(c *compiler, col Column, name string, t *h5type.Type, at position, meta [][2]string) error {
	for _, m := range parts(t) {
		full, here := name+"."+m.Name, at.member(m.Offset, 0)
		if isStruct(m.Type) {
			if err := p.flatten(c, col, full, m.Type, here, meta); err != nil {
				return err
			}
			continue
		}
		n, err := c.compile(m.Type, here)
		if err != nil {
			return err
		}
		p.columns = append(p.columns, column{field(full, n, meta), n, col.Name})
	}
	return nil
}

// Distinct refuses, with fault.Precondition, fields of which two have one name, as members of structs may have that
// options.plain made columns of.
func Distinct(fields []arrow.Field) error {
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if seen[f.Name] {
			return fault.New(fault.Precondition, "options.plain makes two columns of the name %s, one of them a member of a struct: ask for one of the two by fields, where a member of a table is called like \"a/b\", or leave out options.plain", spell.Quote(f.Name))
		}
		seen[f.Name] = true
	}
	return nil
}

// Schema gives the columns with metadata of the schema's own.
func (p *Program) Schema(meta arrow.Metadata) *arrow.Schema {
	return arrow.NewSchema(p.schema.Fields(), &meta)
}

// Names are what of a dataset each column is, and how it is converted, so that programs over one dataset whose columns are
// named alike make the same of the same rows; nil where that is not known.
func (p *Program) Names() []string {
	if p.options.Layout == "rows" || p.plan.resolver {
		return nil
	}
	names, by := make([]string, len(p.columns)), fmt.Sprintf("%+v", p.options)
	for i, c := range p.columns {
		names[i] = fmt.Sprintf("%q of %q, %s, by %s", c.field.Name, c.asked, c.field.Type, by)
	}
	return names
}

// ElemSize is the bytes of one element in the file.
func (p *Program) ElemSize() int { return p.plan.size }

// ElemsPerRow is how many elements make a row.
func (p *Program) ElemsPerRow() int { return p.perRow }

// Direct reports whether elements are kept as they lie in the file, byte for byte: little-endian numbers, mostly.
func (p *Program) Direct() bool { return p.plan.direct }

// Untouched reports whether elements become a record as they lie in the file: Direct, and finishing neither looks at
// them nor allocates.
func (p *Program) Untouched() bool { return p.Direct() && p.plan.extra == 0 }

// NeedsResolver reports whether a batch has to be given a Resolver.
func (p *Program) NeedsResolver() bool { return p.plan.resolver }

// Ranges are the bytes of an element, [from, to), that the program reads: sorted, apart, merged.
func (p *Program) Ranges() [][2]int {
	var all [][2]int
	for i := range p.plan.leaves {
		all = p.plan.leaves[i].ranges(all)
	}
	slices.SortFunc(all, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	out := all[:0]
	for _, r := range all {
		if n := len(out); n > 0 && r[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], r[1])
			continue
		}
		out = append(out, r)
	}
	return out
}

// Reach is how many of the first bytes of an element the program reads: up to the last of Ranges, and at least one.
func (p *Program) Reach() int { return max(1, p.plan.reach) }

// BatchBytes bounds what a batch allocates, payload of variable length and paths apart, which come as they are read.
func (p *Program) BatchBytes(rows int) int64 {
	if rows < 0 {
		return 0
	}
	elems := mulSat(int64(max(p.perRow, 1)), int64(rows))
	buffers := 2*int64(len(p.plan.bufs)) + 4*int64(len(p.columns)) // each rounded up to 64 bytes, offsets one longer
	return addSat(mulSat(elems, p.plan.out()), mulSat(buffers, 128))
}

// fits reports whether a batch's sizes can be computed.
func (p *Program) fits(rows int) bool {
	return rows >= 0 && rows <= math.MaxInt32 && p.BatchBytes(rows) < math.MaxInt64/2
}
