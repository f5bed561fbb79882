package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/order"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
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
	Cached    int64    `json:"cached"`              // rows of the answer whose columns are kept from earlier requests: no chunk is touched for them
	Found     int64    `json:"found"`               // rows of the answer whose numbers are kept from earlier requests: nothing is read or sorted to find them; -1: none
	Kept      []string `json:"kept"`                // what came from the index directory: "chunk index", "statistics"
	Bytes     int64    `json:"bytes"`               // stored for the chunks touched; -1: unknown
	Estimated bool     `json:"estimated,omitempty"` // Bytes are a share of what is stored for all chunks
	Fields    []string `json:"fields"`              // columns decoded for the answer
	Condition []string `json:"condition"`           // columns decoded for the condition
	Index     string   `json:"index"`               // which one is used and for how many rows, or why none is; empty: no question
	Order     string   `json:"order"`
	Words     []string `json:"plan"` // all of that

	Parts []*Explanation     `json:"parts,omitempty"` // of a frame of several datasets, of a collection's files
	Left  []protocol.Skipped `json:"left,omitempty"`  // files of a collection that cannot be read
}

// Add adds that of a part, below a line that says which.
func (x *Explanation) Add(title string, part *Explanation) {
	x.Parts = append(x.Parts, part)
	x.Chunks, x.Touched, x.Skipped = x.Chunks+part.Chunks, x.Touched+part.Touched, x.Skipped+part.Skipped
	x.Cached += part.Cached
	for _, kept := range part.Kept {
		if !slices.Contains(x.Kept, kept) {
			x.Kept = append(x.Kept, kept)
		}
	}
	x.Bytes, x.Estimated = x.Bytes+max(part.Bytes, 0), x.Estimated || part.Estimated || part.Bytes < 0
	x.Words = append(append(x.Words, title), part.Words...)
}

// Read is a read of one dataset, whose rows may have to be found by reading.
type Read struct {
	Name    string // of the dataset
	Layout  string
	Filters []string
	Foreign []string     // of those, by plug-ins
	Library error        // why libhdf5 reads it; nil: it does not
	Stored  func() int64 // bytes of all chunks; -1: unknown
	Object  uint64
	Kept    func(object uint64) []string // what of an object came from the index directory

	Scan     *fill.Scan
	Result   int64 // rows; -1: reading tells
	Fields   []string
	Search   *match.Search   // nil: there is no condition
	Among    rows.Span       // the rows that it is asked of
	Ordering *order.Ordering // nil: rows come as in the file
	Use      string          // of indexes
	Page     rows.Page
	Listed   bool // by the request
	Down     bool // from the last row to the first
}

// Explain tells how a read will be carried out. Bounds of column indexes may be read for that, rows never are.
func Explain(ctx context.Context, e Read) (*Explanation, error) {
	x := &Explanation{Rows: e.Scan.Geometry.Shape[e.Scan.Geometry.Rows], Result: e.Result, Layout: e.Layout, Filters: e.Filters, ChunkRows: e.Scan.ChunkRows(),
		Chunks: e.Scan.Geometry.Chunks(), Fields: e.Fields, Condition: []string{}, Order: e.orderWords()}
	if err := e.explainRows(ctx, x); err != nil {
		return nil, err
	}
	x.Cached, x.Kept = e.Scan.KeptRows(), e.Kept(e.Object)
	x.Found = e.found()
	x.Words = e.words(x)
	return x, nil
}

// found is how many rows of the answer are known by their numbers, -1 where none are.
func (e *Read) found() int64 {
	switch {
	case e.Ordering != nil:
		return e.Ordering.Known()
	case e.Search != nil:
		return e.Search.Known(e.Among, e.Page)
	}
	return -1
}

// explainRows finds the chunks that the rows lie in.
func (e *Read) explainRows(ctx context.Context, x *Explanation) (err error) {
	seq := e.Scan.Rows
	switch q := e.Search; {
	case q != nil:
		x.Condition = append(x.Condition, q.Where.Columns...)
		best, why, err := q.Choice(ctx, e.Among)
		switch {
		case err != nil:
			return err
		case best != nil:
			x.Index = fmt.Sprintf("used: column %s, at most %d rows, each looked at", best.Name, best.Rows)
			e.estimate(x, min(best.Rows, e.Scan.Geometry.ChunksOf(ctx, e.Among).N))
			return nil
		}
		x.Index = "not used: " + why
		if seq, x.Skipped, err = q.Likely(ctx, e.Among); err != nil {
			return err
		}
		if len(q.Where.Columns) == 0 && !q.Where.Constant() {
			seq = rows.Span{Step: 1}
		}
	case e.Ordering != nil:
		seq = rows.Span{Step: 1, N: x.Rows}
		x.Index = e.Ordering.IndexWords(ctx)
	}
	return e.count(ctx, x, e.Scan.Geometry.ChunksOf(ctx, seq))
}

// count fills in what is touched.
func (e *Read) count(ctx context.Context, x *Explanation, set rows.Chunks) error {
	x.Touched = set.N * e.Scan.Geometry.ChunksPerRow()
	in, ok := e.Scan.Store.(store.Measured)
	if !ok || !set.Listed || x.Touched > rows.MaxListed {
		e.estimate(x, set.N)
		return nil
	}
	at, parts := e.Scan.Geometry.Across()
	for _, r := range set.Bands {
		for b := r.Src; b < r.Src+r.N; b++ {
			if b%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			e.Scan.Geometry.EachAcross(b, at, parts, func() { x.Bytes += in.StoredBytes(at) })
		}
	}
	return nil
}

// estimate takes chunks along the rows as if all were of one size.
func (e *Read) estimate(x *Explanation, n int64) {
	x.Touched = n * e.Scan.Geometry.ChunksPerRow()
	x.Bytes, x.Estimated = -1, true
	if stored := e.Stored(); stored >= 0 && x.Chunks > 0 {
		x.Bytes = int64(float64(stored) / float64(x.Chunks) * float64(x.Touched))
	}
}

func (e *Read) orderWords() string {
	switch o, seed := e.Ordering, e.Scan.Passes.Seed; {
	case seed != nil:
		return fmt.Sprintf("blocks of %d rows shuffled by the seed %d", e.Scan.Size, *seed)
	case e.Scan.Unordered:
		return "as batches are ready"
	case o != nil && o.Step != nil && *o.Step < 0:
		return "descending by " + o.By
	case o != nil:
		return "ascending by " + o.By
	case e.Listed:
		return "as listed"
	case e.Down:
		return "from the last row to the first"
	}
	return "as in the file"
}

// words says it all in sentences.
func (e *Read) words(x *Explanation) []string {
	out := []string{e.layoutWords(x)}
	if e.Search != nil {
		out = append(out, "the condition is asked of "+wordsOf(x.Condition, "no column"))
	}
	if x.Index != "" {
		out = append(out, "index "+x.Index)
	}
	if e.Search != nil {
		out = append(out, e.statsWords(x))
	}
	out = append(out, fmt.Sprintf("touched are at most %d chunks, for which the file has %s", x.Touched, x.bytesWords()))
	if x.Cached > 0 {
		out = append(out, fmt.Sprintf("of %d rows the columns are kept from earlier requests, and no chunk is touched", x.Cached))
	}
	if x.Found >= 0 {
		out = append(out, fmt.Sprintf("%d rows of the answer are known from earlier requests, and nothing is read to find them", x.Found))
	}
	if len(x.Kept) > 0 {
		out = append(out, strings.Join(x.Kept, " and ")+" came from the index directory")
	}
	if len(e.Foreign) > 0 {
		out = append(out, "plug-ins in helper processes undo "+wordsOf(e.Foreign, ""))
	}
	if e.Library != nil {
		out = append(out, "libhdf5 reads them in helper processes: "+e.Library.Error())
	}
	return append(out, e.answerWords(x))
}

func (e *Read) layoutWords(x *Explanation) string {
	filters := "no filter"
	if len(x.Filters) > 0 {
		filters = strings.Join(x.Filters, " and ")
	}
	if x.Layout == "chunked" {
		return fmt.Sprintf("%s is %s, %s: %d rows in chunks of %d, %d chunks", e.Name, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
	}
	return fmt.Sprintf("%s is %s, %s: %d rows, read %d at a time, %d times", e.Name, x.Layout, filters, x.Rows, x.ChunkRows, x.Chunks)
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

func (e *Read) answerWords(x *Explanation) string {
	result := "the rows that match:"
	switch {
	case x.Result >= 0:
		result = fmt.Sprintf("%d rows:", x.Result)
	case e.Page.Limit >= 0:
		result = fmt.Sprintf("at most %d rows%s, then reading ends:", e.Page.Limit, e.passedWords())
	case e.Page.Offset > 0:
		result = fmt.Sprintf("the rows that match%s:", e.passedWords())
	}
	return fmt.Sprintf("the answer is %s columns %s, %s", result, wordsOf(x.Fields, "none"), x.Order)
}

func (e *Read) passedWords() string {
	if e.Page.Offset == 0 {
		return ""
	}
	return fmt.Sprintf(" behind the first %d", e.Page.Offset)
}

func (e *Read) statsWords(x *Explanation) string {
	switch {
	case e.Use == match.IndexOff:
		return "statistics not used: options.index is off"
	case x.Skipped > 0:
		return fmt.Sprintf("statistics skip %d chunks in which no row can match", x.Skipped)
	case strings.HasPrefix(x.Index, "used"):
		return "statistics not used: the index is"
	}
	if e.Search.Knows() {
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
