package match

import (
	"cmp"
	"context"
	"math"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Statistics are those of all rows of a dataset.
type Statistics struct {
	Rows      int64
	ChunkRows int64 // of a chunk, or of what is read at once of a dataset without chunks
	Columns   []ColumnStats
}

// ChunkStats are those of the rows from Start up to Stop; the columns are in the order of Statistics.
type ChunkStats struct {
	Start, Stop int64
	Columns     []ColumnStats
}

// ColumnStats are the counts and bounds of a column's values: of those in its lists and inner axes too.
//
// Min and Max are int64, uint64, float64, bool or []byte (text without zeros at its end, by unsigned bytes), nil where
// there are none. Times and durations are the integers of Type, enums their integers.
type ColumnStats struct {
	Name     string
	Type     arrow.DataType // that of a request's column, but for enums
	Reason   string         // why there are no bounds
	Values   int64
	Null     int64 // null in Arrow: NaT
	NaN      int64
	Min, Max any
}

// survey goes through the chunks of a dataset once.
type survey struct {
	*tally
	scan    *fill.Scan // of all rows
	source  convert.Source
	save    func() // keeps what is new
	columns []surveyed
	totals  []chunkstats.Meter
	now     []chunkstats.Meter // of the chunk at hand
	seen    int64              // rows of it
	next    int64              // the first chunk that was not emitted
	each    func(ChunkStats) error
}

// surveyed is a column and how its statistics are shown.
type surveyed struct {
	ColumnStats
	value  arrow.DataType // of its elements, as read
	packed bool           // numbers are seconds, shown as microseconds
	width  int64          // values of a row
}

// NewSurvey is one of columns (nil: all) of the dataset that a scan reads. Errors: fault.NotFound for a column,
// fault.Unsupported where none of them has statistics.
func NewSurvey(all *fill.Scan, of convert.Source, stats ChunkStatistics, fields []string) (*survey, error) {
	s := &survey{scan: all, source: of, save: stats.Save}
	numbers, names, err := leaves(of, fields)
	if err != nil {
		return nil, err
	}
	program, err := convert.Compile(of, names, index.AsValues)
	if err != nil {
		return nil, err
	}
	s.tally = newTally(all, stats, program, numbers)
	if err := s.describe(program, names); err != nil {
		return nil, err
	}
	s.totals, s.now = make([]chunkstats.Meter, len(names)), make([]chunkstats.Meter, len(names))
	return s, nil
}

// leaves are the columns asked for, with their numbers; without a projection all but compounds, whose members are.
func leaves(of convert.Source, fields []string) (numbers []int, names []string, err error) {
	at := map[string]int{}
	for i, c := range of.Columns() {
		at[c.Name] = i
		if fields == nil && (c.Type.Class != h5type.Compound || c.Type.IsComplexPair()) {
			names = append(names, c.Name)
		}
	}
	if fields != nil {
		if _, err := convert.Compile(of, fields, index.AsValues); err != nil {
			return nil, nil, err
		}
		names = fields
	}
	for _, name := range names {
		numbers = append(numbers, at[name])
	}
	return numbers, names, nil
}

// describe says what the columns are; it is an error if there is nothing to say of any.
func (s *survey) describe(program *convert.Program, names []string) error {
	options := index.AsValues
	options.Strings, options.Time = "", ""
	told, err := convert.Compile(s.source, names, options)
	if err != nil {
		return err
	}
	served, reasons := false, []string{}
	for i, f := range told.Schema(arrow.Metadata{}).Fields() {
		value, width := element(program.Schema(arrow.Metadata{}).Field(i).Type)
		c := surveyed{ColumnStats: ColumnStats{Name: names[i], Type: f.Type}, value: value, width: width}
		shown, _ := element(f.Type)
		c.packed = shown.ID() == arrow.TIMESTAMP && value.ID() == arrow.FLOAT64
		if s.classes[i] == chunkstats.None {
			c.Reason = "values of type " + f.Type.String() + " have no order"
			reasons = append(reasons, names[i]+": "+c.Reason)
		}
		served = served || c.Reason == ""
		s.columns = append(s.columns, c)
	}
	if !served {
		return fault.New(fault.Unsupported, "stats: %s", strings.Join(reasons, "; "))
	}
	return nil
}

// element is the type of the values in lists of a fixed size, and how many there are.
func element(t arrow.DataType) (arrow.DataType, int64) {
	n := int64(1)
	for {
		l, ok := t.(*arrow.FixedSizeListType)
		if !ok {
			return t, n
		}
		n *= int64(l.Len())
		t = l.Elem()
	}
}

// Run emits the statistics of each chunk: those that are known from the tally, others by reading.
func (s *survey) Run(ctx context.Context, each func(ChunkStats) error) (*Statistics, error) {
	s.each = each
	defer s.save()
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	if err := s.emitKnown(ctx, s.chunks()); err != nil {
		return nil, err
	}
	return &Statistics{Rows: s.rows, ChunkRows: s.band, Columns: s.columnStats(s.totals, s.rows)}, nil
}

// read takes what is not known from the chunks.
func (s *survey) read(ctx context.Context) error {
	missing := s.missing(ctx)
	if len(missing) == 0 {
		return nil
	}
	program, err := s.readProgram()
	if err != nil {
		return err
	}
	var failed error
	err = s.scan.Reading(program, missing).Each(ctx, func(f *fill.Batch) bool {
		failed = s.take(ctx, f.Record, missing.Runs(nil, f.Row, f.Row+f.Rows, 0))
		return failed == nil
	})
	return cmp.Or(s.scan.Dataset.Explain(err), failed)
}

// readProgram is the program of the columns that have statistics.
func (s *survey) readProgram() (*convert.Program, error) {
	var names []string
	for i, c := range s.columns {
		if s.classes[i] != chunkstats.None {
			names = append(names, c.Name)
		}
	}
	return convert.Compile(s.source, names, index.AsValues)
}

// missing is the rows of the chunks of which something is not known.
func (s *survey) missing(ctx context.Context) (out rows.Pieces) {
	if s.rows == 0 {
		return nil
	}
	if s.empty() {
		return out.Add(rows.Run{Step: 1, N: s.rows})
	}
	for c := range s.chunks() {
		if ctx.Err() == nil && !s.complete(c) {
			out = out.Add(rows.Run{Src: c * s.band, Step: 1, N: s.extent(c)})
		}
	}
	return out
}

// take meters rows, chunk by chunk.
func (s *survey) take(ctx context.Context, rec arrow.Record, runs []rows.Run) (err error) {
	for _, r := range runs {
		rows.EachChunk(r, s.band, func(chunk int64, part rows.Run) {
			if err == nil {
				err = s.takePart(ctx, rec, chunk, part)
			}
		})
	}
	return err
}

func (s *survey) takePart(ctx context.Context, rec arrow.Record, chunk int64, part rows.Run) error {
	if s.seen == 0 {
		if err := s.emitKnown(ctx, chunk); err != nil {
			return err
		}
	}
	column := 0
	for i, class := range s.classes {
		if class != chunkstats.None {
			s.now[i].Take(rec.Column(column), int(part.Dst), int(part.N))
			column++
		}
	}
	if s.seen += part.N; s.seen < s.extent(chunk) {
		return nil
	}
	s.put(chunk, s.now)
	err := s.emit(chunk)
	s.seen = 0
	return err
}

// emitKnown emits the chunks up to one, all of which are known.
func (s *survey) emitKnown(ctx context.Context, to int64) error {
	for s.next < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, class := range s.classes {
			if class == chunkstats.None {
				continue
			}
			stat, ok := s.get(i, s.next)
			if !ok {
				return fault.New(fault.Unavailable, "stats: what was known of the file was dropped meanwhile: ask again")
			}
			s.now[i].Join(class, stat)
		}
		if err := s.emit(s.next); err != nil {
			return err
		}
	}
	return nil
}

// emit gives a chunk's statistics, and adds them to the totals.
func (s *survey) emit(chunk int64) (err error) {
	s.next = chunk + 1
	if s.each != nil {
		start, n := chunk*s.band, s.extent(chunk)
		err = s.each(ChunkStats{Start: start, Stop: start + n, Columns: s.columnStats(s.now, n)})
	}
	for i, class := range s.classes {
		s.totals[i].Join(class, s.now[i].Stat())
		s.now[i].Reset()
	}
	return err
}

// columnStats is what was metered of a number of rows.
func (s *survey) columnStats(meters []chunkstats.Meter, rows int64) []ColumnStats {
	out := make([]ColumnStats, len(s.columns))
	for i, c := range s.columns {
		stat := meters[i].Stat()
		out[i] = c.ColumnStats
		out[i].Values, out[i].Null, out[i].NaN = rows*c.width, stat.Null, stat.NaN
		switch {
		case stat.Long:
			out[i].Reason = "a bound is longer than what is kept of texts"
		case stat.Has:
			out[i].Min, out[i].Max = c.bounds(s.classes[i], stat)
		}
	}
	return out
}

func (c surveyed) bounds(class chunkstats.Class, s chunkstats.Stat) (lowest, highest any) {
	switch class {
	case chunkstats.Text:
		return append([]byte{}, s.Min...), append([]byte{}, s.Max...)
	case chunkstats.Uint:
		return s.Lo, s.Hi
	case chunkstats.Float:
		return c.float(chunkstats.FloatOf(s.Lo)), c.float(chunkstats.FloatOf(s.Hi))
	}
	lo, hi := chunkstats.IntOf(s.Lo), chunkstats.IntOf(s.Hi)
	if c.value.ID() == arrow.BOOL {
		return lo != 0, hi != 0
	}
	return lo, hi
}

// float is a number; PyTables' time64 is exact in microseconds, of which 53 bits hold every one.
func (c surveyed) float(v float64) any {
	if c.packed {
		return int64(math.Round(v * 1e6))
	}
	return v
}
