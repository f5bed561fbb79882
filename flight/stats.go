package flight

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
	"github.com/mtflight/mtflight/reader"
)

// columnStats is a column's statistics as JSON. Integers are exact; infinite bounds are "inf" and "-inf"; texts that
// are not UTF-8 are {"base64": ..}.
type columnStats struct {
	Name   string `json:"name"`
	Type   string `json:"type,omitempty"`
	Reason string `json:"reason,omitempty"`
	Values int64  `json:"values"`
	Null   int64  `json:"null"`
	NaN    int64  `json:"nan"`
	Min    any    `json:"min"`
	Max    any    `json:"max"`
}

type chunkStats struct {
	Start   int64         `json:"start"`
	Stop    int64         `json:"stop"`
	Columns []columnStats `json:"columns"`
}

// answerBytes is about the size of a result; many clients refuse messages over 4 MiB.
const answerBytes = 1 << 20

// statsRequest is the body of the action stats.
type statsRequest struct {
	file, dataset string
	fields        []string // nil: all
	chunks        bool
}

func parseStats(body []byte) (r statsRequest, err error) {
	o, err := strict.Parse("stats", body)
	if err != nil {
		return r, err
	}
	if err := o.BindAll("stats", "", map[string]strict.Bind{
		"file": strict.Text(&r.file), "dataset": strict.Text(&r.dataset), "fields": strict.Names(&r.fields), "chunks": strict.Boolean(&r.chunks),
	}); err != nil {
		return r, err
	}
	if r.file == "" || r.dataset == "" {
		return r, fault.New(fault.Invalid, "stats: members file and dataset are required")
	}
	return r, nil
}

// stats gives, where they are asked for, results with the next chunks, and last one for all rows.
func (s *Server) stats(ctx context.Context, body []byte, answer func(any) error) error {
	r, err := parseStats(body)
	if err != nil {
		return err
	}
	ds, err := s.dataset(ctx, r.file, r.dataset)
	if err != nil {
		return err
	}
	all, err := Survey(ctx, ds, r.fields, r.chunks, answer)
	if err != nil {
		return err
	}
	all.File, all.Dataset = r.file, r.dataset
	return answer(all)
}

// Statistics is the last answer to the action stats: what is known of all rows.
type Statistics struct {
	File      string        `json:"file"`
	Dataset   string        `json:"dataset"`
	Rows      int64         `json:"rows"`
	ChunkRows int64         `json:"chunk_rows"`
	Columns   []columnStats `json:"columns"`
}

// Survey tells the statistics of columns (nil: of all) but for the names of the file and the dataset, and before, where chunks
// are asked for, those of the next chunks by each answer, as JSON.
func Survey(ctx context.Context, ds *reader.Dataset, fields []string, chunks bool, answer func(any) error) (out Statistics, err error) {
	var some chunkAnswer
	var each func(reader.ChunkStats) error
	if chunks {
		each = func(c reader.ChunkStats) error { return some.add(c, answer) }
	}
	all, err := ds.Stats(ctx, fields, each)
	if err != nil {
		return out, err
	}
	return Statistics{Rows: all.Rows, ChunkRows: all.ChunkRows, Columns: statsOf(all.Columns, true)}, some.flush(answer)
}

// chunkAnswer collects chunks until they make a result.
type chunkAnswer struct {
	chunks []json.RawMessage
	bytes  int
}

func (a *chunkAnswer) add(c reader.ChunkStats, answer func(any) error) error {
	b, err := json.Marshal(chunkStats{c.Start, c.Stop, statsOf(c.Columns, false)})
	if err != nil {
		return fmt.Errorf("flight: encode statistics: %w", err)
	}
	a.chunks, a.bytes = append(a.chunks, b), a.bytes+len(b)
	if a.bytes < answerBytes {
		return nil
	}
	return a.flush(answer)
}

func (a *chunkAnswer) flush(answer func(any) error) error {
	if len(a.chunks) == 0 {
		return nil
	}
	err := answer(map[string]any{"chunks": a.chunks})
	a.chunks, a.bytes = nil, 0
	return err
}

func statsOf(columns []reader.ColumnStats, typed bool) []columnStats {
	out := make([]columnStats, len(columns))
	for i, c := range columns {
		out[i] = columnStats{Name: c.Name, Reason: c.Reason, Values: c.Values, Null: c.Null, NaN: c.NaN, Min: jsonValue(c.Min), Max: jsonValue(c.Max)}
		if typed {
			out[i].Type = c.Type.String()
		}
	}
	return out
}

// jsonValue is a bound in valid JSON.
func jsonValue(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsInf(v, 0) {
			return map[bool]string{true: "inf", false: "-inf"}[v > 0]
		}
	case []byte:
		if !utf8.Valid(v) {
			return map[string][]byte{"base64": v}
		}
		return string(v)
	}
	return v
}
