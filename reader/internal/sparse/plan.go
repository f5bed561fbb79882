package sparse

import (
	"context"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Plan is how rows of a matrix are read.
type Plan struct {
	Matrix  Matrix
	Rows    *fill.Scan // of the pointers: which rows of the matrix, in batches of about so many
	Cut     Cut
	Pointer Part
	Index   Part
	Value   Part
	Stored  int64         // elements that the indices and values have
	width   int64         // bytes of an index and its value in Arrow
	Schema  *arrow.Schema // of the records; the maker of the plan sets it
}

// Part is one of the matrix's datasets: all of it.
type Part interface {
	Scan() *fill.Scan // without rows of its own
	Schema() *arrow.Schema
	Demand() (fill.Demand, bool)
	Explain(err error) error // names it in an error
	Name() string
	// Told says how it is read.
	Told(ctx context.Context) (*explain.Explanation, error)
}

// Cut says where a batch ends.
type Cut struct {
	Exact bool  // it has just the rows that Plan.Rows says
	Rows  int64 // else so many at most; 0: any number
	Bytes int64 // and about so many bytes, but at least a row
}

const offsetBytes = 4

// cutting says how many rows a batch has (0: as many as fit), and where else it ends.
func cutting(s *fill.Scan, r protocol.Request) (batch int64, cut Cut) {
	cut.Bytes = fill.DefaultBatch
	if r.BatchBytes > 0 {
		cut.Bytes = min(r.BatchBytes, fill.MaxBatch)
	}
	if r.BatchRows > 0 {
		cut.Rows, cut.Bytes, batch = r.BatchRows, fill.MaxBatch, r.BatchRows
	}
	if st := r.Stream; st != nil {
		s.MaxWorkers, cut.Exact = st.Workers, true
		if st.ReadAhead != nil {
			s.ReadAhead = max(1, *st.ReadAhead)
		}
		if st.BlockRows > 0 {
			batch = st.BlockRows
		}
	}
	return batch, cut
}

// NewPlan plans a request, whose rows the scan of the pointers has, and which becomes the plan's.
func NewPlan(m Matrix, parts [3]Part, asked *fill.Scan, r protocol.Request) (*Plan, error) {
	batch, cut := cutting(asked, r)
	p := &Plan{Matrix: m, Rows: asked, Cut: cut, Pointer: parts[0], Index: parts[1], Value: parts[2]}
	p.Stored = p.Index.Scan().Geometry.Shape[0]
	p.width = p.Index.Scan().RowBytes() + p.Value.Scan().RowBytes()
	for _, part := range []Part{p.Index, p.Value} {
		if n := len(part.Schema().Fields()); n != 1 {
			return nil, fault.New(fault.Unsupported, "options.plain makes %d columns of its values: ask without it, or the raw nodes", n)
		}
	}
	if p.Rows.Size = batch; batch == 0 {
		p.Rows.Size = max(1, cut.Bytes/p.RowBytes())
	}
	p.Rows.Aligned = false
	return p, p.Rows.Check()
}

// RowBytes is about how many bytes a row takes, on an average.
func (p *Plan) RowBytes() int64 {
	return offsetBytes + rows.Times(p.Stored, p.width)/max(1, p.Matrix.Major())
}

// Column is the one column of the records: a list of indices and values for each row.
func (p *Plan) Column(name string) arrow.Field {
	index, value := p.Index.Schema().Field(0), p.Value.Schema().Field(0)
	index.Name, value.Name = "index", "value"
	element := arrow.Field{Name: "item", Type: arrow.StructOf(index, value)}
	return arrow.Field{Name: name, Type: arrow.ListOfField(element), Metadata: arrow.NewMetadata([]string{"hdf5.type"}, []string{"sparse"})}
}

// Metadata is what schemas say of the matrix, where it differs from a dataset.
func (m Matrix) Metadata() map[string]string {
	return map[string]string{"hdf5.shape": "null", "sparse.format": m.Format, // which would be that of no dataset
		"sparse.shape": "[" + strconv.FormatInt(m.Shape[0], 10) + "," + strconv.FormatInt(m.Shape[1], 10) + "]"}
}

// demand is the memory that reading large chunks takes; false where none is large.
func (p *Plan) demand() (fill.Demand, bool) {
	return fill.Together([]Part{p.Pointer, p.Index, p.Value}, rows.Times(p.Rows.Size, offsetBytes))
}

// Explain adds how the rows are read. Which elements lie between the rows only their pointers say: of all a share is told.
func (p *Plan) Explain(ctx context.Context, x *explain.Explanation) error {
	for _, part := range []Part{p.Pointer, p.Index, p.Value} {
		told, err := part.Told(ctx)
		if err != nil {
			return err
		}
		x.Add("of the sparse matrix, at most, "+part.Name()+":", told)
	}
	if share := float64(p.Rows.Rows.Len()) / float64(max(1, x.Rows)); share < 1 {
		x.Bytes, x.Estimated = int64(float64(x.Bytes)*share), true
	}
	return nil
}
