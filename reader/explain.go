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

// explain is part of read.
func (t *tableRead) explain(ctx context.Context) (*Explanation, error) {
	info := t.ds.info
	x := &Explanation{Rows: t.ds.rows(), Result: -1, Layout: info.Layout, Filters: info.Filters, ChunkRows: t.scan.chunkRows(),
		Chunks: t.scan.geo.chunks(), Condition: []string{}, Order: t.orderWords()}
	if !t.req.follows() {
		x.Result = t.scan.known()
	}
	for _, f := range t.schema.Fields() {
		x.Fields = append(x.Fields, f.Name)
	}
	if err := t.explainRows(ctx, x); err != nil {
		return nil, t.ds.failed(err)
	}
	x.Words = t.words(x)
	return x, nil
}

// explainRows finds the chunks that the rows lie in.
func (t *tableRead) explainRows(ctx context.Context, x *Explanation) error {
	rows := t.scan.rows
	if t.where != nil {
		x.Condition = append(x.Condition, t.where.columns...)
		all, err := t.asked()
		if err != nil {
			return err
		}
		best, why, err := t.search(t.scan).choice(ctx, all)
		switch {
		case err != nil:
			return err
		case best != nil:
			x.Index = fmt.Sprintf("used: column %s, at most %d rows, each looked at", best.name, best.rows)
			t.estimate(x, min(best.rows, t.scan.geo.chunksOf(ctx, all).n))
			return nil
		}
		x.Index = "not used: " + why
		if rows, x.Skipped, err = t.search(t.scan).likely(ctx, all); err != nil {
			return err
		}
		if len(t.where.columns) == 0 && !t.where.constant() {
			rows = span{step: 1}
		}
	} else if t.req.SortBy != "" {
		rows = span{step: 1, n: t.ds.rows()}
		x.Index = t.sortIndex(ctx)
	}
	return t.count(ctx, x, t.scan.geo.chunksOf(ctx, rows))
}

// asked is the rows that a condition is asked of.
func (t *tableRead) asked() (span, error) {
	if t.req.SortBy != "" {
		return span{step: 1, n: t.ds.rows()}, nil
	}
	return slice(t.req.Start, t.req.Stop, t.req.Step, t.ds.rows())
}

func (t *tableRead) sortIndex(ctx context.Context) string {
	if t.req.Index == IndexOff {
		return "not used: options.index is off"
	}
	ix, why, err := t.ds.indexes().of(ctx, t.req.SortBy)
	switch {
	case err != nil:
		return "not used: " + err.Error()
	case ix == nil:
		return "not used: " + t.req.SortBy + ": " + why
	}
	if orders, err := ix.orders(ctx); err != nil {
		return "not used: " + err.Error()
	} else if !orders {
		return "not used: that of " + t.req.SortBy + " does not put all rows in order"
	}
	return "used: the order of column " + t.req.SortBy
}

// count fills in what is touched.
func (t *tableRead) count(ctx context.Context, x *Explanation, set bandSet) error {
	x.Touched = set.n * t.scan.geo.wide()
	_, inFile := t.scan.store.(*chunked)
	_, cut := t.scan.store.(*bands)
	if !set.listed || x.Touched > maxListed || !inFile && !cut {
		t.estimate(x, set.n)
		return nil
	}
	for _, r := range set.ranges {
		for b := r.src; b < r.src+r.n; b++ {
			if b%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			t.scan.geo.eachAcross(b, func(at []int64, _ [][]run) { x.Bytes += t.storedAt(at) })
		}
	}
	return nil
}

// estimate takes chunks along the rows as if all were of one size.
func (t *tableRead) estimate(x *Explanation, n int64) {
	x.Touched = n * t.scan.geo.wide()
	x.Bytes, x.Estimated = -1, true
	if _, stored, err := t.ds.Storage(); err == nil && t.ds.info.Layout != "virtual" && x.Chunks > 0 && stored >= 0 {
		x.Bytes = int64(float64(stored) / float64(x.Chunks) * float64(x.Touched))
	}
}

// storedAt is the bytes that the file has for a chunk.
func (t *tableRead) storedAt(at []int64) int64 {
	switch s := t.scan.store.(type) {
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

func (t *tableRead) orderWords() string {
	s := t.req.Stream
	switch {
	case s != nil && s.Shuffle != nil:
		return fmt.Sprintf("blocks of %d rows shuffled by the seed %d", t.scan.size, *s.Shuffle)
	case t.scan.unordered:
		return "as batches are ready"
	case t.req.SortBy != "" && t.req.Step != nil && *t.req.Step < 0:
		return "descending by " + t.req.SortBy
	case t.req.SortBy != "":
		return "ascending by " + t.req.SortBy
	case t.req.Coordinates != nil:
		return "as listed"
	case t.req.Step != nil && *t.req.Step < 0:
		return "from the last row to the first"
	}
	return "as in the file"
}

// words says it all in sentences.
func (t *tableRead) words(x *Explanation) []string {
	out := []string{t.layoutWords(x)}
	if t.where != nil {
		out = append(out, "the condition is asked of "+wordsOf(x.Condition, "no column"))
	}
	if x.Index != "" {
		out = append(out, "index "+x.Index)
	}
	if t.where != nil {
		out = append(out, t.statsWords(x))
	}
	out = append(out, fmt.Sprintf("touched are at most %d chunks, for which the file has %s", x.Touched, x.bytesWords()))
	if t.ds.pipe != nil && len(t.ds.pipe.Foreign()) > 0 {
		out = append(out, "plug-ins in helper processes undo "+wordsOf(t.ds.pipe.Foreign(), ""))
	}
	if t.ds.viaLib != nil {
		out = append(out, "libhdf5 reads them in helper processes: "+t.ds.viaLib.Error())
	}
	return append(out, t.answerWords(x))
}

func (t *tableRead) layoutWords(x *Explanation) string {
	filters := "no filter"
	if len(x.Filters) > 0 {
		filters = strings.Join(x.Filters, " and ")
	}
	if x.Layout == "chunked" {
		return fmt.Sprintf("%s is %s, %s: %d rows in chunks of %d, %d chunks", t.ds.asked, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
	}
	return fmt.Sprintf("%s is %s, %s: %d rows, read %d at a time, %d times", t.ds.asked, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
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

func (t *tableRead) answerWords(x *Explanation) string {
	result := "the rows that match:"
	switch {
	case x.Result >= 0:
		result = fmt.Sprintf("%d rows:", x.Result)
	case t.req.Limit != nil:
		result = fmt.Sprintf("at most %d rows%s, then reading ends:", *t.req.Limit, t.passedWords())
	case t.req.Offset > 0:
		result = fmt.Sprintf("the rows that match%s:", t.passedWords())
	}
	return fmt.Sprintf("the answer is %s columns %s, %s", result, wordsOf(x.Fields, "none"), x.Order)
}

func (t *tableRead) passedWords() string {
	if t.req.Offset == 0 {
		return ""
	}
	return fmt.Sprintf(" behind the first %d", t.req.Offset)
}

func (t *tableRead) statsWords(x *Explanation) string {
	switch {
	case t.req.Index == IndexOff:
		return "statistics not used: options.index is off"
	case x.Skipped > 0:
		return fmt.Sprintf("statistics skip %d chunks in which no row can match", x.Skipped)
	case strings.HasPrefix(x.Index, "used"):
		return "statistics not used: the index is"
	}
	program, err := convert.Compile(t.ds.source, t.where.columns, asValues)
	if err == nil && len(t.where.columns) > 0 && !t.search(t.scan).newTally(program).empty() {
		return "statistics skip no chunk"
	}
	return "statistics skip no chunk: none are known of these columns"
}

func wordsOf(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}
