package reader

import (
	"context"
	"fmt"
	"strings"
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

// explainee is a read of one dataset, whose rows may have to be found by reading.
type explainee struct {
	name    string // of the dataset
	layout  string
	filters []string
	foreign []string     // of those, by plug-ins
	library error        // why libhdf5 reads it; nil: it does not
	stored  func() int64 // bytes of all chunks; -1: unknown

	scan     *scan
	result   int64 // rows; -1: reading tells
	fields   []string
	search   *search   // nil: there is no condition
	among    span      // the rows that it is asked of
	ordering *ordering // nil: rows come as in the file
	use      string    // of indexes
	page     page
	listed   bool // by the request
	down     bool // from the last row to the first
}

// explain tells how a read will be carried out. Bounds of column indexes may be read for that, rows never are.
func explain(ctx context.Context, e explainee) (*Explanation, error) {
	x := &Explanation{Rows: e.scan.geo.shape[e.scan.geo.rows], Result: e.result, Layout: e.layout, Filters: e.filters, ChunkRows: e.scan.chunkRows(),
		Chunks: e.scan.geo.chunks(), Fields: e.fields, Condition: []string{}, Order: e.orderWords()}
	if err := e.explainRows(ctx, x); err != nil {
		return nil, err
	}
	x.Words = e.words(x)
	return x, nil
}

// explainRows finds the chunks that the rows lie in.
func (e *explainee) explainRows(ctx context.Context, x *Explanation) (err error) {
	seq := e.scan.rows
	switch q := e.search; {
	case q != nil:
		x.Condition = append(x.Condition, q.where.columns...)
		best, why, err := q.choice(ctx, e.among)
		switch {
		case err != nil:
			return err
		case best != nil:
			x.Index = fmt.Sprintf("used: column %s, at most %d rows, each looked at", best.name, best.rows)
			e.estimate(x, min(best.rows, e.scan.geo.chunksOf(ctx, e.among).n))
			return nil
		}
		x.Index = "not used: " + why
		if seq, x.Skipped, err = q.likely(ctx, e.among); err != nil {
			return err
		}
		if len(q.where.columns) == 0 && !q.where.constant() {
			seq = span{step: 1}
		}
	case e.ordering != nil:
		seq = span{step: 1, n: x.Rows}
		x.Index = e.ordering.indexWords(ctx)
	}
	return e.count(ctx, x, e.scan.geo.chunksOf(ctx, seq))
}

// count fills in what is touched.
func (e *explainee) count(ctx context.Context, x *Explanation, set bandSet) error {
	x.Touched = set.n * e.scan.geo.wide()
	in, ok := e.scan.store.(measured)
	if !ok || !set.listed || x.Touched > maxListed {
		e.estimate(x, set.n)
		return nil
	}
	for _, r := range set.ranges {
		for b := r.src; b < r.src+r.n; b++ {
			if b%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			e.scan.geo.eachAcross(b, func(at []int64, _ [][]run) { x.Bytes += in.storedBytes(at) })
		}
	}
	return nil
}

// estimate takes chunks along the rows as if all were of one size.
func (e *explainee) estimate(x *Explanation, n int64) {
	x.Touched = n * e.scan.geo.wide()
	x.Bytes, x.Estimated = -1, true
	if stored := e.stored(); stored >= 0 && x.Chunks > 0 {
		x.Bytes = int64(float64(stored) / float64(x.Chunks) * float64(x.Touched))
	}
}

func (e *explainee) orderWords() string {
	switch o, seed := e.ordering, e.scan.passes.seed; {
	case seed != nil:
		return fmt.Sprintf("blocks of %d rows shuffled by the seed %d", e.scan.size, *seed)
	case e.scan.unordered:
		return "as batches are ready"
	case o != nil && o.step != nil && *o.step < 0:
		return "descending by " + o.by
	case o != nil:
		return "ascending by " + o.by
	case e.listed:
		return "as listed"
	case e.down:
		return "from the last row to the first"
	}
	return "as in the file"
}

// words says it all in sentences.
func (e *explainee) words(x *Explanation) []string {
	out := []string{e.layoutWords(x)}
	if e.search != nil {
		out = append(out, "the condition is asked of "+wordsOf(x.Condition, "no column"))
	}
	if x.Index != "" {
		out = append(out, "index "+x.Index)
	}
	if e.search != nil {
		out = append(out, e.statsWords(x))
	}
	out = append(out, fmt.Sprintf("touched are at most %d chunks, for which the file has %s", x.Touched, x.bytesWords()))
	if len(e.foreign) > 0 {
		out = append(out, "plug-ins in helper processes undo "+wordsOf(e.foreign, ""))
	}
	if e.library != nil {
		out = append(out, "libhdf5 reads them in helper processes: "+e.library.Error())
	}
	return append(out, e.answerWords(x))
}

func (e *explainee) layoutWords(x *Explanation) string {
	filters := "no filter"
	if len(x.Filters) > 0 {
		filters = strings.Join(x.Filters, " and ")
	}
	if x.Layout == "chunked" {
		return fmt.Sprintf("%s is %s, %s: %d rows in chunks of %d, %d chunks", e.name, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
	}
	return fmt.Sprintf("%s is %s, %s: %d rows, read %d at a time, %d times", e.name, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
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

func (e *explainee) answerWords(x *Explanation) string {
	result := "the rows that match:"
	switch {
	case x.Result >= 0:
		result = fmt.Sprintf("%d rows:", x.Result)
	case e.page.limit >= 0:
		result = fmt.Sprintf("at most %d rows%s, then reading ends:", e.page.limit, e.passedWords())
	case e.page.offset > 0:
		result = fmt.Sprintf("the rows that match%s:", e.passedWords())
	}
	return fmt.Sprintf("the answer is %s columns %s, %s", result, wordsOf(x.Fields, "none"), x.Order)
}

func (e *explainee) passedWords() string {
	if e.page.offset == 0 {
		return ""
	}
	return fmt.Sprintf(" behind the first %d", e.page.offset)
}

func (e *explainee) statsWords(x *Explanation) string {
	switch {
	case e.use == IndexOff:
		return "statistics not used: options.index is off"
	case x.Skipped > 0:
		return fmt.Sprintf("statistics skip %d chunks in which no row can match", x.Skipped)
	case strings.HasPrefix(x.Index, "used"):
		return "statistics not used: the index is"
	}
	if e.search.knows() {
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
