package protocol

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
)

// FormatTicket writes a request so that ParseTicket gives it back equal (a mask of booleans comes back as bits).
// Members at their defaults are left out. A request that no ticket can say is fault.Invalid.
func FormatTicket(r Request) ([]byte, error) {
	w := wireRequest{
		File: wireFile(r), Dataset: r.Dataset, Datasets: r.Datasets, State: r.State, Fields: r.Fields, Start: r.Start, Stop: r.Stop, Step: r.Step,
		Select: r.Select, Mask: wireMask(r), Where: r.Where, SortBy: r.SortBy, CheckCSI: r.CheckCSI,
		Offset: r.Offset, Limit: r.Limit, BatchRows: r.BatchRows, BatchBytes: r.BatchBytes, Stream: wireStreamOf(r.Stream),
	}
	if r.Coordinates != nil {
		w.Coordinates = &r.Coordinates
	}
	var err error
	if w.Vars, err = wireVars(r.Vars); err != nil {
		return nil, err
	}
	o := r.Options
	w.Options = wireOptions{o.Strings, o.Enum, o.Time, o.Tensors, o.Layout, o.Plain, o.NetCDF, o.FileColumn, o.Schema, o.OnError, wirePartitions(o), r.Index, r.Endpoints, r.Compression}
	if err := checkText(r); err != nil {
		return nil, err
	}
	return w.bytes()
}

type wireRequest struct {
	File        any                        `json:"file"`
	Dataset     string                     `json:"dataset,omitempty"`
	Datasets    []string                   `json:"datasets,omitempty"`
	State       string                     `json:"state,omitempty"`
	Fields      []string                   `json:"fields,omitempty"`
	Where       *string                    `json:"where,omitempty"`
	Vars        map[string]json.RawMessage `json:"vars,omitempty"`
	Start       *int64                     `json:"start,omitempty"`
	Stop        *int64                     `json:"stop,omitempty"`
	Step        *int64                     `json:"step,omitempty"`
	Select      *string                    `json:"select,omitempty"`
	Coordinates *[]int64                   `json:"coordinates,omitempty"`
	Mask        *[]byte                    `json:"mask,omitempty"`
	SortBy      string                     `json:"sort_by,omitempty"`
	CheckCSI    bool                       `json:"check_csi,omitempty"`
	Offset      int64                      `json:"offset,omitempty"`
	Limit       *int64                     `json:"limit,omitempty"`
	BatchRows   int64                      `json:"batch_rows,omitempty"`
	BatchBytes  int64                      `json:"batch_bytes,omitempty"`
	Stream      *wireStream                `json:"stream,omitempty"`
	Options     wireOptions                `json:"options,omitzero"`
}

type wireStream struct {
	Ordered     *bool  `json:"ordered,omitempty"`
	Cyclic      bool   `json:"cyclic,omitempty"`
	Cycles      *int64 `json:"cycles,omitempty"`
	BlockRows   int64  `json:"block_rows,omitempty"`
	Remainder   any    `json:"remainder,omitempty"`
	Shuffle     *int64 `json:"shuffle,omitempty"`
	ShuffleRows bool   `json:"shuffle_rows,omitempty"`
	ReadAhead   *int64 `json:"read_ahead,omitempty"`
	Workers     int    `json:"workers,omitempty"`
	FromBlock   int64  `json:"from_block,omitempty"`
	ToBlock     *int64 `json:"to_block,omitempty"`
	Follow      bool   `json:"follow,omitempty"`
}

type wireOptions struct {
	Strings   string `json:"strings,omitempty"`
	Enum      string `json:"enum,omitempty"`
	Time      string `json:"time,omitempty"`
	Tensors   string `json:"tensors,omitempty"`
	Layout    string `json:"layout,omitempty"`
	Plain     bool   `json:"plain,omitempty"`
	NetCDF    bool   `json:"netcdf,omitempty"`
	Files     string `json:"file_column,omitempty"`
	Schema    string `json:"schema,omitempty"`
	OnError   string `json:"on_error,omitempty"`
	Keys      any    `json:"partitions,omitempty"`
	Index     string `json:"index,omitempty"`
	Endpoints int    `json:"endpoints,omitempty"`
	Packed    string `json:"compression,omitempty"`
}

func (w wireRequest) bytes() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		return nil, fault.New(fault.Invalid, "request: cannot be written as a ticket: %w", err)
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(out) > strict.MaxBytes {
		return nil, fault.New(fault.Invalid, "request: over 1 MiB: send coordinates or mask by DoExchange")
	}
	return out, nil
}

func wireFile(r Request) any {
	if r.Files != nil {
		return r.Files
	}
	return r.File
}

// wirePartitions is nil where there are none.
func wirePartitions(o Options) any {
	switch {
	case !o.Partitions:
		return nil
	case o.TextKeys != nil:
		return o.TextKeys
	}
	return true
}

func wireStreamOf(s *Stream) *wireStream {
	if s == nil {
		return nil
	}
	w := &wireStream{
		Cyclic: s.Cyclic, Cycles: s.Cycles, BlockRows: s.BlockRows, Shuffle: s.Shuffle, ShuffleRows: s.ShuffleRows, ReadAhead: s.ReadAhead,
		Workers: s.Workers, FromBlock: s.FromBlock, ToBlock: s.ToBlock, Follow: s.Follow,
	}
	if s.Unordered {
		w.Ordered = new(bool)
	}
	switch s.Remainder {
	case DropRemainder:
		w.Remainder = false
	case OnlyRemainder:
		w.Remainder = "only"
	}
	return w
}

func wireMask(r Request) *[]byte {
	if r.Mask == nil {
		return nil
	}
	return &r.Mask
}

func wireVars(vars map[string]any) (map[string]json.RawMessage, error) {
	out := make(map[string]json.RawMessage, len(vars))
	for name, v := range vars {
		switch v := v.(type) {
		case float64:
			if math.IsNaN(v) {
				return nil, fault.New(fault.Invalid, "request: member vars: %s is not a number, which JSON cannot say", strict.Short(name))
			}
			out[name] = json.RawMessage(formatFloat(v))
		case int64, uint64, bool, string:
			raw, err := json.Marshal(v)
			if err != nil {
				return nil, fault.New(fault.Invalid, "request: member vars: %w", err)
			}
			out[name] = raw
		default:
			return nil, fault.New(fault.Invalid, "request: member vars: %s must be int64, uint64 above it, float64, string or bool", strict.Short(name))
		}
	}
	return out, nil
}

// formatFloat writes a float that is read back as a float, not as an integer.
func formatFloat(v float64) string {
	if math.IsInf(v, 0) {
		return strconv.FormatFloat(math.Copysign(1, v), 'f', 0, 64) + "e999"
	}
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// checkText refuses what JSON would change silently.
func checkText(r Request) error {
	all := slices.Concat([]string{r.File, r.Dataset, r.State, r.SortBy, r.Options.FileColumn}, r.Files, r.Datasets, r.Fields, r.Options.TextKeys)
	for _, p := range []*string{r.Select, r.Where} {
		if p != nil {
			all = append(all, *p)
		}
	}
	for name, v := range r.Vars {
		all = append(all, name)
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	for _, s := range all {
		if !utf8.ValidString(s) {
			return fault.New(fault.Invalid, "request: %s is not UTF-8, which JSON cannot say: write each byte of a name that is not as \\xNN", strict.Short(s))
		}
	}
	return nil
}
