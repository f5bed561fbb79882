package protocol

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
)

// ParseTicket reads a request as docs/protocol.md section 2 defines it: a ticket, or the command of a descriptor. Everything
// that needs no file is checked; what is wrong is fault.Invalid and names the member (coordinates that no file can
// have are fault.OutOfRange). Safe for concurrent use.
func ParseTicket(data []byte) (Request, error) {
	var r Request
	o, err := strict.Parse("request", data)
	if err != nil {
		return r, err
	}
	if err := o.BindAll("request", "", requestMembers(&r)); err != nil {
		return Request{}, err
	}
	if err := checkRequest(o, &r); err != nil {
		return Request{}, err
	}
	return r, nil
}

func requestMembers(r *Request) map[string]strict.Bind {
	return map[string]strict.Bind{
		"file": files(r), "dataset": strict.Text(&r.Dataset), "datasets": strict.Names(&r.Datasets), "state": strict.Text(&r.State), "fields": strict.Names(&r.Fields),
		"start": strict.Optional(&r.Start, math.MinInt64), "stop": strict.Optional(&r.Stop, math.MinInt64),
		"step": strict.Optional(&r.Step, math.MinInt64), "select": strict.TextPtr(&r.Select),
		"coordinates": coordinates(&r.Coordinates), "mask": mask(&r.Mask),
		"where": strict.TextPtr(&r.Where), "vars": vars(&r.Vars),
		"sort_by": strict.Text(&r.SortBy), "check_csi": strict.Boolean(&r.CheckCSI),
		"offset": strict.Integer(&r.Offset, 0), "limit": strict.IntegerPtr(&r.Limit, 0), "batch_rows": strict.Integer(&r.BatchRows, 1), "batch_bytes": strict.Integer(&r.BatchBytes, 1),
		"stream":  nested("stream.", func() map[string]strict.Bind { r.Stream = new(Stream); return streamMembers(r.Stream) }),
		"options": nested("options.", func() map[string]strict.Bind { return optionMembers(r) }),
	}
}

func streamMembers(s *Stream) map[string]strict.Bind {
	return map[string]strict.Bind{
		"ordered": func(v any) error {
			ordered := true
			err := strict.Boolean(&ordered)(v)
			s.Unordered = !ordered
			return err
		},
		"cyclic": strict.Boolean(&s.Cyclic), "cycles": strict.Optional(&s.Cycles, 0), "block_rows": strict.Integer(&s.BlockRows, 1),
		"remainder": remainder(&s.Remainder), "shuffle": strict.Optional(&s.Shuffle, math.MinInt64),
		"shuffle_rows": strict.Boolean(&s.ShuffleRows),
		"read_ahead":   strict.IntegerPtr(&s.ReadAhead, 0), "workers": small(&s.Workers, 1),
		"from_block": strict.Integer(&s.FromBlock, 0), "to_block": strict.IntegerPtr(&s.ToBlock, 0), "follow": strict.Boolean(&s.Follow),
	}
}

func optionMembers(r *Request) map[string]strict.Bind {
	o := &r.Options
	return map[string]strict.Bind{
		"strings": strict.Choice(&o.Strings, "utf8", "binary"), "enum": strict.Choice(&o.Enum, "dictionary", "int"),
		"time": strict.Choice(&o.Time, "timestamp", "numeric"), "tensors": strict.Choice(&o.Tensors, "tensor", "nested"),
		"layout": strict.Choice(&o.Layout, "columns", "rows"), "plain": strict.Boolean(&o.Plain),
		"netcdf": strict.Boolean(&o.NetCDF), "file_column": strict.Text(&o.FileColumn), "schema": strict.Choice(&o.Schema, "unify", "strict"),
		"on_error": strict.Choice(&o.OnError, "error", "skip"), "partitions": partitions(o),
		"index": strict.Choice(&r.Index, IndexAuto, IndexOff, IndexOnly), "compression": strict.Choice(&r.Compression, LZ4, Zstd),
		"endpoints": func(v any) error {
			err := small(&r.Endpoints, math.MinInt64)(v)
			r.Endpoints = max(r.Endpoints, 0)
			return err
		},
	}
}

// files is one name, a pattern or a list of names.
func files(r *Request) strict.Bind {
	return func(v any) error {
		if _, list := v.([]any); list {
			return strict.Names(&r.Files)(v)
		}
		return strict.Text(&r.File)(v)
	}
}

// partitions is true, false, or a list of the keys that are texts.
func partitions(o *Options) strict.Bind {
	return func(v any) error {
		if list, is := v.([]any); is {
			o.Partitions, o.TextKeys = true, []string{}
			if len(list) == 0 {
				return nil
			}
			return strict.Names(&o.TextKeys)(v)
		}
		return strict.Boolean(&o.Partitions)(v)
	}
}

func nested(prefix string, members func() map[string]strict.Bind) strict.Bind {
	return func(v any) error {
		o, ok := v.(strict.Object)
		if !ok {
			return strict.Expected("an object")
		}
		return o.BindAll("request", prefix, members())
	}
}

func small(dst *int, low int64) strict.Bind {
	return func(v any) error {
		var n int64
		err := strict.Integer(&n, low)(v)
		*dst = int(min(max(n, math.MinInt32), math.MaxInt32))
		return err
	}
}

func coordinates(dst *[]int64) strict.Bind {
	return func(v any) error {
		l, beyond, err := strict.Integers(v)
		if beyond != nil {
			return fault.New(fault.OutOfRange, "request: coordinate %.40s is outside every dataset's rows", beyond)
		}
		*dst = l
		return err
	}
}

func mask(dst *[]byte) strict.Bind {
	return func(v any) error {
		s, ok := v.(string)
		if !ok {
			return strict.Expected("a string of base64")
		}
		bits, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return strict.Expected("base64: %w", err)
		}
		*dst = append([]byte{}, bits...)
		return nil
	}
}

func vars(dst *map[string]any) strict.Bind {
	return func(v any) error {
		o, ok := v.(strict.Object)
		if !ok {
			return strict.Expected("an object")
		}
		*dst = make(map[string]any, len(o))
		for _, m := range o {
			value, err := variable(m.Value)
			if err != nil {
				return strict.Expected("of numbers, strings and booleans: %s is %w", strict.Short(m.Name), err)
			}
			(*dst)[m.Name] = value
		}
		return nil
	}
}

func variable(v any) (any, error) {
	switch v := v.(type) {
	case string, bool:
		return v, nil
	case json.Number:
		if n, exact, err := strict.Number(v); err == nil {
			if u, err := strconv.ParseUint(string(v), 10, 64); err == nil && !exact {
				return u, nil
			}
			if !exact {
				return nil, strict.Expected("an integer of more than 64 bits: write it as a float")
			}
			return n, nil
		}
		f, _ := strconv.ParseFloat(string(v), 64) // beyond its range: infinite, as Python has it
		return f, nil
	}
	return nil, strict.Expected("neither")
}

func remainder(dst *Remainder) strict.Bind {
	return func(v any) error {
		switch v {
		case true:
			*dst = KeepRemainder
		case false:
			*dst = DropRemainder
		case "only":
			*dst = OnlyRemainder
		default:
			return strict.Expected(`true, false or "only"`)
		}
		return nil
	}
}

func checkRequest(o strict.Object, r *Request) error {
	if r.File == "" && r.Files == nil {
		return fault.New(fault.Invalid, "request: member file is required")
	}
	switch {
	case r.Dataset == "" && r.Datasets == nil:
		return fault.New(fault.Invalid, "request: member dataset is required")
	case r.Dataset != "" && r.Datasets != nil:
		return fault.New(fault.Invalid, "request: members dataset and datasets cannot be together: name a group or a dataset by one, several datasets by the other")
	}
	if o.Has("sort_by") && r.SortBy == "" {
		return fault.New(fault.Invalid, "request: member sort_by must name a column")
	}
	return checked(r)
}

// checked is Check in a ticket's words.
func checked(r *Request) error {
	if err := r.Check(); err != nil {
		return fault.New(fault.Of(err), "request: %w", err)
	}
	return nil
}
