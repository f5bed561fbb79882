package collection

import (
	"context"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// plan is a request for the rows of several files.
type plan struct {
	*set
	req   reader.Request
	seq   rows.Sequence             // of the result, among the rows of all files; nil: reading has to find them
	parts []string                  // of select: one for each axis
	alone *reader.Plan              // of the only file that is asked, which cuts the batches; nil: there are several
	only  member                    // that file
	ways  map[*variant]*reader.Plan // of the condition, where bounds of values decide, else nil; and
	named []string                  // its columns
}

// Files are those of a request.
type Files struct {
	All    []reader.Location                   // in the order of their rows
	Like   []reader.Location                   // what Like names for the request
	Tell   func(reader.Location, error) string // why a file is left out, for clients
	Memory *Memory                             // nil: all are opened
}

// Plan plans a request for the dataset of one name in files. Of their
// rows it reads none, but where dictionaries are to be made one the first of each kind of file. Errors: those of Dataset.Plan, naming the file;
// fault.Precondition, fault.Invalid where the datasets are no parts of one; fault.Unsupported for what is served for one file only;
// fault.Changed where a file is not the one that the ticket was issued for.
func Plan(ctx context.Context, eng *reader.Engine, files Files, r reader.Request) (*reader.Plan, error) {
	if err := checkRequest(r); err != nil {
		return nil, err
	}
	added, err := madeOf(files.All, r)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(added, func(m *made) bool { return m.name == r.SortBy }) {
		return nil, fault.New(fault.Unsupported, "sort_by %s, which all rows of a file have in common, is not served: rows are in the order of the files' names", spell.Quote(r.SortBy))
	}
	all := len(files.All)
	if files.All, err = left(ctx, files.All, added, r); err != nil {
		return nil, err
	}
	s, err := newSet(ctx, eng, files, added, r)
	if err != nil {
		return nil, err
	}
	s.out = all - len(files.All)
	p := &plan{set: s, req: r}
	switch {
	case r.Select != nil:
		err = p.selected(ctx)
	case r.Where == nil && r.SortBy == "":
		p.seq, err = rows.Asked(r, s.total)
	default:
		err = p.question(ctx)
	}
	if err == nil && p.blocked() && p.seq != nil {
		err = p.blocks(p.seq).Check()
	}
	if err != nil {
		return nil, err
	}
	return reader.Join(r, s.schema, p), nil
}

// checkRequest refuses what is served for one file only.
func checkRequest(r reader.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	what := ""
	switch {
	case r.Stream != nil && r.Stream.Follow:
		what = "stream.follow"
	case r.CheckCSI:
		what = "check_csi"
	case r.SortBy != "" && r.Index == reader.IndexOnly:
		what = `sort_by with options.index "only"`
	case r.Stream != nil && r.Stream.ShuffleRows && r.Stream.BlockRows > maxMixed:
		return fault.New(fault.Exhausted, "stream.shuffle_rows in blocks of %d rows: at most %d are possible, choose smaller stream.block_rows", r.Stream.BlockRows, maxMixed)
	default:
		return nil
	}
	return fault.New(fault.Unsupported, "%s is not served over several files: ask each file", what)
}

const maxMixed = 1 << 20 // rows of a block that are shuffled

// question checks a condition and an order, by a plan for the first file, and the slice.
func (p *plan) question(ctx context.Context) error {
	if _, err := rows.Slice(p.req.Start, p.req.Stop, p.req.Step, p.total); err != nil {
		return err
	}
	ways := map[*variant]*reader.Plan{}
	for v, i := range p.variants() {
		m := p.members[i]
		if by := p.req.SortBy; by != "" && v.types[by] == "" {
			return fault.New(fault.NotFound, "sort_by: %s has no column %s", m.loc.Name, spell.Quote(by))
		}
		q := p.request(m)
		q.SortBy = p.req.SortBy
		way, err := open(ctx, p.eng, m, q)
		if err != nil {
			return err
		}
		ways[v] = way
	}
	p.judge(ways)
	if p.req.SortBy == "" {
		return nil
	}
	_, err := p.keySchema(ctx)
	return err
}

// request is what is asked of a file: no rows are chosen yet but by the condition.
func (p *plan) request(m member) reader.Request {
	q := whole(p.req, m.variant.asked, m.state)
	q.Where, q.Index, q.Vars = p.req.Where, p.req.Index, p.req.Vars
	if p.req.Where != nil {
		q.Vars = known(m.loc, p.made, p.req.Vars)
	}
	if s := p.req.Stream; s != nil && s.Workers > 0 {
		q.Stream = &reader.Stream{Workers: s.Workers}
	}
	return q
}

// blocked tells whether batches are cut and ordered here: of a stream, of sorted and of listed rows. Others come as each file gives them.
func (p *plan) blocked() bool {
	_, span := p.seq.(rows.Span)
	return p.alone == nil && (p.req.Stream != nil || p.req.SortBy != "" || p.req.Where == nil && !span && p.req.Select == nil)
}

// blocks are those of the result.
func (p *plan) blocks(of rows.Sequence) *rows.Blocks {
	size := p.block
	if s := p.req.Stream; s != nil && s.BlockRows > 0 {
		size = s.BlockRows
	}
	return rows.NewBlocks(of.Len(), size, rows.PassesOf(p.req.Stream))
}

// Rows is part of reader.Joint.
func (p *plan) Rows() int64 {
	switch {
	case p.alone != nil:
		return p.alone.Rows()
	case p.seq == nil:
		return -1
	}
	return p.blocks(p.seq).Rows()
}

// RowBytes is part of reader.Joint.
func (p *plan) RowBytes() int64 {
	if p.alone != nil {
		return max(1, p.alone.Bytes()/max(1, p.alone.Rows()))
	}
	return p.rowBytes()
}

// BlockRows is part of reader.Joint.
func (p *plan) BlockRows() int64 {
	if s := p.req.Stream; s != nil && s.BlockRows > 0 {
		return s.BlockRows
	}
	return p.block
}

// Window is part of reader.Joint.
func (p *plan) Window() int { return 2 }

// State is part of reader.Joint.
func (p *plan) State() string { return p.stateOf(p.members) }

func (p *plan) stateOf(files []member) string {
	s := states{like: p.like}
	for _, m := range files {
		s.files = append(s.files, m.state)
	}
	return s.text()
}

// Split is part of reader.Joint: each part names its own files, so that new ones change nothing.
func (p *plan) Split(n int) []reader.Request {
	r := p.req
	of, ok := p.seq.(rows.Span)
	if r.Where != nil && r.SortBy == "" && r.Offset == 0 && r.Limit == nil {
		of, _ = rows.Slice(r.Start, r.Stop, r.Step, p.total)
		ok = true
	}
	if !ok || r.Select != nil {
		return []reader.Request{p.part(r, 0, len(p.members)-1)}
	}
	parts := rows.Split(r, of, max(n, p.least()), 1)
	if len(parts) == 1 {
		return []reader.Request{p.part(r, 0, len(p.members)-1)}
	}
	for i, q := range parts {
		lo, hi := p.at(*q.Start), p.at(*q.Stop-1)
		start, stop := *q.Start-p.members[lo].first, *q.Stop-p.members[lo].first
		q.Start, q.Stop = &start, &stop
		parts[i] = p.part(q, lo, hi)
	}
	return parts
}

// least is how many tickets there have to be for each to hold the names of its files.
func (p *plan) least() int {
	const most = 256 << 10
	n := 0
	for _, m := range p.members {
		n += len(m.loc.Name) + len(m.state) + 4
	}
	return n/most + 1
}

// part is a request for some of the files.
func (p *plan) part(r reader.Request, lo, hi int) reader.Request {
	r.File, r.Files = "", p.names[lo:hi+1]
	r.State = p.stateOf(p.members[lo : hi+1])
	r.Options.OnError = ""    // all that it names could be read
	if r.Options.Partitions { // whose types those of a part do not tell
		r.Options.TextKeys = []string{}
		for _, m := range p.made {
			if m.key && m.text {
				r.Options.TextKeys = append(r.Options.TextKeys, m.name)
			}
		}
	}
	return r
}
