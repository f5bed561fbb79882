package flight

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// ParseTicket reads a request as docs/protocol.md section 2 defines it: a ticket, or the command of a descriptor. Everything
// that needs no file is checked; what is wrong is fault.Invalid and names the member (coordinates that no file can
// have are fault.OutOfRange). Safe for concurrent use.
func ParseTicket(data []byte) (reader.Request, error) {
	var r reader.Request
	o, err := parseObject("request", data)
	if err != nil {
		return r, err
	}
	if err := o.bindAll("request", "", requestMembers(&r)); err != nil {
		return reader.Request{}, err
	}
	if err := checkRequest(o, &r); err != nil {
		return reader.Request{}, err
	}
	return r, nil
}

func requestMembers(r *reader.Request) map[string]bind {
	return map[string]bind{
		"file": text(&r.File), "dataset": text(&r.Dataset), "fields": fields(&r.Fields),
		"start": optional(&r.Start, math.MinInt64), "stop": optional(&r.Stop, math.MinInt64),
		"step": optional(&r.Step, math.MinInt64), "select": textPtr(&r.Select),
		"coordinates": coordinates(&r.Coordinates), "mask": mask(&r.Mask),
		"where": textPtr(&r.Where), "vars": vars(&r.Vars),
		"sort_by": text(&r.SortBy), "check_csi": boolean(&r.CheckCSI),
		"offset": integer(&r.Offset, 0), "limit": integerPtr(&r.Limit, 0), "batch_rows": integer(&r.BatchRows, 1), "batch_bytes": integer(&r.BatchBytes, 1),
		"stream":  nested("stream.", func() map[string]bind { r.Stream = new(reader.Stream); return streamMembers(r.Stream) }),
		"options": nested("options.", func() map[string]bind { return optionMembers(r) }),
	}
}

func streamMembers(s *reader.Stream) map[string]bind {
	return map[string]bind{
		"ordered": func(v any) error {
			ordered := true
			err := boolean(&ordered)(v)
			s.Unordered = !ordered
			return err
		},
		"cyclic": boolean(&s.Cyclic), "cycles": optional(&s.Cycles, 0), "block_rows": integer(&s.BlockRows, 1),
		"remainder": remainder(&s.Remainder), "shuffle": optional(&s.Shuffle, math.MinInt64),
		"shuffle_rows": boolean(&s.ShuffleRows),
		"read_ahead":   integerPtr(&s.ReadAhead, 0), "workers": small(&s.Workers, 1),
		"from_block": integer(&s.FromBlock, 0), "follow": boolean(&s.Follow),
	}
}

func optionMembers(r *reader.Request) map[string]bind {
	o := &r.Options
	return map[string]bind{
		"strings": choice(&o.Strings, "utf8", "binary"), "enum": choice(&o.Enum, "dictionary", "int"),
		"time": choice(&o.Time, "timestamp", "numeric"), "tensors": choice(&o.Tensors, "tensor", "nested"),
		"layout": choice(&o.Layout, "columns", "rows"), "plain": boolean(&o.Plain),
		"netcdf": boolean(&o.NetCDF),
		"index":  choice(&r.Index, reader.IndexAuto, reader.IndexOff, reader.IndexOnly),
		"endpoints": func(v any) error {
			err := small(&r.Endpoints, math.MinInt64)(v)
			r.Endpoints = max(r.Endpoints, 0)
			return err
		},
	}
}

func nested(prefix string, members func() map[string]bind) bind {
	return func(v any) error {
		o, ok := v.(object)
		if !ok {
			return expected("an object")
		}
		return o.bindAll("request", prefix, members())
	}
}

func small(dst *int, low int64) bind {
	return func(v any) error {
		var n int64
		err := integer(&n, low)(v)
		*dst = int(min(max(n, math.MinInt32), math.MaxInt32))
		return err
	}
}

func fields(dst *[]string) bind {
	return func(v any) error {
		l, ok := v.([]any)
		if !ok || len(l) == 0 {
			return expected("a list of at least one name")
		}
		seen := map[string]bool{}
		for _, e := range l {
			s, ok := e.(string)
			if !ok {
				return expected("a list of names")
			}
			if seen[s] {
				return expected("without repeats: %s comes twice", short(s))
			}
			seen[s] = true
			*dst = append(*dst, s)
		}
		return nil
	}
}

func coordinates(dst *[]int64) bind {
	return func(v any) error {
		l, beyond, err := integerList(v)
		if beyond != nil {
			return fault.New(fault.OutOfRange, "request: coordinate %.40s is outside every dataset's rows", beyond)
		}
		*dst = l
		return err
	}
}

func mask(dst *[]byte) bind {
	return func(v any) error {
		s, ok := v.(string)
		if !ok {
			return expected("a string of base64")
		}
		bits, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return expected("base64: %w", err)
		}
		*dst = append([]byte{}, bits...)
		return nil
	}
}

func vars(dst *map[string]any) bind {
	return func(v any) error {
		o, ok := v.(object)
		if !ok {
			return expected("an object")
		}
		*dst = make(map[string]any, len(o))
		for _, m := range o {
			value, err := variable(m.value)
			if err != nil {
				return expected("of numbers, strings and booleans: %s is %w", short(m.name), err)
			}
			(*dst)[m.name] = value
		}
		return nil
	}
}

func variable(v any) (any, error) {
	switch v := v.(type) {
	case string, bool:
		return v, nil
	case json.Number:
		if n, exact, err := number(v); err == nil {
			if u, err := strconv.ParseUint(string(v), 10, 64); err == nil && !exact {
				return u, nil
			}
			if !exact {
				return nil, expected("an integer of more than 64 bits: write it as a float")
			}
			return n, nil
		}
		f, _ := strconv.ParseFloat(string(v), 64) // beyond its range: infinite, as Python has it
		return f, nil
	}
	return nil, expected("neither")
}

func remainder(dst *reader.Remainder) bind {
	return func(v any) error {
		switch v {
		case true:
			*dst = reader.KeepRemainder
		case false:
			*dst = reader.DropRemainder
		case "only":
			*dst = reader.OnlyRemainder
		default:
			return expected(`true, false or "only"`)
		}
		return nil
	}
}

func checkRequest(o object, r *reader.Request) error {
	for _, m := range []struct{ name, value string }{{"file", r.File}, {"dataset", r.Dataset}} {
		if m.value == "" {
			return fault.New(fault.Invalid, "request: member %s is required", m.name)
		}
	}
	if o.has("sort_by") && r.SortBy == "" {
		return fault.New(fault.Invalid, "request: member sort_by must name a column")
	}
	return checked(r)
}

// checked is reader's own check of what needs no file, in a ticket's words.
func checked(r *reader.Request) error {
	if err := r.Check(); err != nil {
		return fault.New(fault.Of(err), "request: %w", err)
	}
	return nil
}
