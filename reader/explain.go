package reader

import (
	"context"
	"fmt"
	"strings"

	"github.com/mtflight/mtflight/convert"
)

// Explanation is how a plan will be carried out, found without reading a row. A chunk is one of the file or, of what
// has none, as much as is read at once. Touched and Bytes are at most so many: what a condition finds, a limit and the
// cache save is not foreseen.
type Explanation struct {
	Rows      int64    `json:"rows"`                // of the dataset
	Result    int64    `json:"result"`              // rows of the answer; -1: reading tells
	Layout    string   `json:"layout"`              // of Info
	Filters   []string `json:"filters"`             // of Info
	Chunks    int64    `json:"chunks"`              // of the dataset
	ChunkRows int64    `json:"chunk_rows"`          // rows of one
	Touched   int64    `json:"touched"`             // chunks
	Skipped   int64    `json:"skipped"`             // chunks that would be touched but for statistics
	Bytes     int64    `json:"bytes"`               // stored for the chunks touched; -1: unknown
	Estimated bool     `json:"estimated,omitempty"` // Bytes are a share of what is stored for all chunks
	Fields    []string `json:"fields"`              // columns decoded for the answer
	Condition []string `json:"condition"`           // columns decoded for the condition
	Index     string   `json:"index"`               // which one is used and for how many rows, or why none is; empty: no question
	Order     string   `json:"order"`
	Words     []string `json:"plan"` // all of that

	Parts []*Explanation `json:"parts,omitempty"` // of a frame of several datasets
}

// Explain tells how the plan will be carried out. Bounds of column indexes may be read for that, rows never are.
func (p *Plan) Explain(ctx context.Context) (*Explanation, error) {
	if p.frame != nil {
		return p.explainFrame(ctx)
	}
	info := p.ds.info
	x := &Explanation{Rows: p.ds.rows(), Result: p.Rows(), Layout: info.Layout, Filters: info.Filters, ChunkRows: p.geo.chunk[p.geo.rows],
		Chunks: p.allChunks(), Condition: []string{}, Order: p.orderWords()}
	for _, f := range p.schema.Fields() {
		x.Fields = append(x.Fields, f.Name)
	}
	if err := p.explainRows(ctx, x); err != nil {
		return nil, p.ds.failed(err)
	}
	x.Words = p.words(x)
	return x, nil
}

func (p *Plan) explainFrame(ctx context.Context) (*Explanation, error) {
	out := &Explanation{Rows: int64(p.ds.info.Rows), Result: p.Rows(), Layout: p.ds.info.Layout, Filters: p.ds.info.Filters, Condition: []string{}}
	for _, f := range p.schema.Fields() {
		out.Fields = append(out.Fields, f.Name)
	}
	for i, part := range p.frame.parts {
		x, err := part.Explain(ctx)
		if err != nil {
			return nil, err
		}
		out.Parts = append(out.Parts, x)
		out.Chunks, out.Touched, out.Skipped = out.Chunks+x.Chunks, out.Touched+x.Touched, out.Skipped+x.Skipped
		out.Bytes, out.Estimated = out.Bytes+max(x.Bytes, 0), out.Estimated || x.Estimated || x.Bytes < 0
		if i == 0 {
			out.ChunkRows, out.Condition, out.Index, out.Order = x.ChunkRows, x.Condition, x.Index, x.Order
		}
		out.Words = append(append(out.Words, "of the frame, "+part.ds.asked+":"), x.Words...)
	}
	return out, nil
}

// allChunks is how many there are, stored or not.
func (p *Plan) allChunks() int64 {
	n := int64(1)
	for i, extent := range p.geo.shape {
		n *= (extent + p.geo.chunk[i] - 1) / p.geo.chunk[i]
	}
	return n
}

// explainRows finds the chunks that the rows lie in.
func (p *Plan) explainRows(ctx context.Context, x *Explanation) error {
	rows := p.fixed
	if p.where != nil {
		x.Condition = append(x.Condition, p.where.columns...)
		all, err := p.asked()
		if err != nil {
			return err
		}
		best, why, err := p.choice(ctx, all)
		switch {
		case err != nil:
			return err
		case best != nil:
			x.Index = fmt.Sprintf("used: column %s, at most %d rows, each looked at", best.name, best.rows)
			p.estimate(x, min(best.rows, p.geo.chunksOf(ctx, all).n))
			return nil
		}
		x.Index = "not used: " + why
		if rows, x.Skipped, err = p.likely(ctx, all); err != nil {
			return err
		}
		if len(p.where.columns) == 0 && !p.constant() {
			rows = span{step: 1}
		}
	} else if p.req.SortBy != "" {
		rows = span{step: 1, n: p.ds.rows()}
		x.Index = p.sortIndex(ctx)
	}
	return p.count(ctx, x, p.geo.chunksOf(ctx, rows))
}

// asked is the rows that a condition is asked of.
func (p *Plan) asked() (span, error) {
	if p.req.SortBy != "" {
		return span{step: 1, n: p.ds.rows()}, nil
	}
	return slice(p.req.Start, p.req.Stop, p.req.Step, p.ds.rows())
}

func (p *Plan) sortIndex(ctx context.Context) string {
	if p.req.Index == IndexOff {
		return "not used: options.index is off"
	}
	ix, why, err := p.ds.indexOf(ctx, p.req.SortBy)
	switch {
	case err != nil:
		return "not used: " + err.Error()
	case ix == nil:
		return "not used: " + p.req.SortBy + ": " + why
	}
	if orders, err := ix.orders(ctx); err != nil {
		return "not used: " + err.Error()
	} else if !orders {
		return "not used: that of " + p.req.SortBy + " does not put all rows in order"
	}
	return "used: the order of column " + p.req.SortBy
}

// count fills in what is touched.
func (p *Plan) count(ctx context.Context, x *Explanation, set bandSet) error {
	x.Touched = set.n * p.acrossChunks()
	_, inFile := p.store.(*chunked)
	_, cut := p.store.(*bands)
	if !set.listed || x.Touched > maxListed || !inFile && !cut {
		p.estimate(x, set.n)
		return nil
	}
	for _, r := range set.ranges {
		for b := r.src; b < r.src+r.n; b++ {
			if b%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			p.eachAcross(b, func(at []int64) { x.Bytes += p.storedAt(at) })
		}
	}
	return nil
}

// estimate takes chunks along the rows as if all were of one size.
func (p *Plan) estimate(x *Explanation, n int64) {
	x.Touched = n * p.acrossChunks()
	x.Bytes, x.Estimated = -1, true
	if _, stored, err := p.ds.Storage(); err == nil && p.ds.info.Layout != "virtual" && x.Chunks > 0 && stored >= 0 {
		x.Bytes = int64(float64(stored) / float64(x.Chunks) * float64(x.Touched))
	}
}

// acrossChunks is how many chunks lie side by side for a chunk along the rows.
func (p *Plan) acrossChunks() int64 {
	n := int64(1)
	for i, pieces := range p.geo.across {
		if i != p.geo.rows {
			n *= int64(len(pieces))
		}
	}
	return n
}

func (p *Plan) eachAcross(band int64, use func(at []int64)) {
	g := &group{plan: p}
	at := make([]int64, len(p.geo.shape))
	at[p.geo.rows] = band
	g.across(0, at, make([][]run, len(at)), nil)
	for _, j := range g.jobs {
		use(j.at)
	}
}

// storedAt is the bytes that the file has for a chunk.
func (p *Plan) storedAt(at []int64) int64 {
	switch s := p.store.(type) {
	case *chunked:
		if ch, ok := s.index.At(s.linear(at)); ok {
			return int64(ch.Size)
		}
	case *bands:
		if m, ok := s.source.(*inMemory); ok && m.repeat {
			return 0
		}
		_, n := s.span(at)
		return n * int64(s.elemSize)
	}
	return 0
}

func (p *Plan) orderWords() string {
	s := p.req.Stream
	switch {
	case s != nil && s.Shuffle != nil:
		return fmt.Sprintf("blocks of %d rows shuffled by the seed %d", p.size, *s.Shuffle)
	case p.unordered():
		return "as batches are ready"
	case p.req.SortBy != "" && p.req.Step != nil && *p.req.Step < 0:
		return "descending by " + p.req.SortBy
	case p.req.SortBy != "":
		return "ascending by " + p.req.SortBy
	case p.req.Coordinates != nil:
		return "as listed"
	case p.req.Step != nil && *p.req.Step < 0:
		return "from the last row to the first"
	}
	return "as in the file"
}

// words says it all in sentences.
func (p *Plan) words(x *Explanation) []string {
	out := []string{p.layoutWords(x)}
	if p.where != nil {
		out = append(out, "the condition is asked of "+listed(x.Condition, "no column"))
	}
	if x.Index != "" {
		out = append(out, "index "+x.Index)
	}
	if p.where != nil {
		out = append(out, p.statsWords(x))
	}
	out = append(out, fmt.Sprintf("touched are at most %d chunks, for which the file has %s", x.Touched, x.bytesWords()))
	if p.ds.pipe != nil && len(p.ds.pipe.Foreign()) > 0 {
		out = append(out, "plug-ins in helper processes undo "+listed(p.ds.pipe.Foreign(), ""))
	}
	if p.ds.viaLib != nil {
		out = append(out, "libhdf5 reads them in helper processes: "+p.ds.viaLib.Error())
	}
	return append(out, p.answerWords(x))
}

func (p *Plan) layoutWords(x *Explanation) string {
	filters := "no filter"
	if len(x.Filters) > 0 {
		filters = strings.Join(x.Filters, " and ")
	}
	if x.Layout == "chunked" {
		return fmt.Sprintf("%s is %s, %s: %d rows in chunks of %d, %d chunks", p.ds.asked, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
	}
	return fmt.Sprintf("%s is %s, %s: %d rows, read %d at a time, %d times", p.ds.asked, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
}

func (x *Explanation) bytesWords() string {
	switch {
	case x.Bytes < 0:
		return "a number of bytes that its sources know"
	case x.Estimated:
		return fmt.Sprintf("about %d bytes", x.Bytes)
	}
	return fmt.Sprintf("%d bytes", x.Bytes)
}

func (p *Plan) answerWords(x *Explanation) string {
	result := "the rows that match:"
	switch {
	case x.Result >= 0:
		result = fmt.Sprintf("%d rows:", x.Result)
	case p.req.Limit != nil:
		result = fmt.Sprintf("at most %d rows%s, then reading ends:", *p.req.Limit, p.passedWords())
	case p.req.Offset > 0:
		result = fmt.Sprintf("the rows that match%s:", p.passedWords())
	}
	return fmt.Sprintf("the answer is %s columns %s, %s", result, listed(x.Fields, "none"), x.Order)
}

func (p *Plan) passedWords() string {
	if p.req.Offset == 0 {
		return ""
	}
	return fmt.Sprintf(" behind the first %d", p.req.Offset)
}

func (p *Plan) statsWords(x *Explanation) string {
	switch {
	case p.req.Index == IndexOff:
		return "statistics not used: options.index is off"
	case x.Skipped > 0:
		return fmt.Sprintf("statistics skip %d chunks in which no row can match", x.Skipped)
	case strings.HasPrefix(x.Index, "used"):
		return "statistics not used: the index is"
	}
	program, err := convert.Compile(p.ds.source, p.where.columns, asValues)
	if err == nil && len(p.where.columns) > 0 && !p.newTally(program, p.where.numbers).empty() {
		return "statistics skip no chunk"
	}
	return "statistics skip no chunk: none are known of these columns"
}

func listed(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}
