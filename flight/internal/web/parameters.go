package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
)

// A kind is how the text of a parameter becomes JSON.
type kind int

const (
	text    kind = iota
	whole        // an integer
	truth        // true or false; an empty text is true
	texts        // repeated
	wholes       // repeated
	scalars      // a prefix of names: what is JSON's number, true, false or a text in quotes is that, anything else a text
	either       // true, false or a text
)

// A parameter is a member of a request, nested ones as `options.plain`.
type parameter struct {
	name  string
	kind  kind
	about string
}

// ofData are the members of a request as protocol.ParseTicket knows them.
var ofData = []parameter{
	{"file", text, "file, by its name below the server's roots"},
	{"dataset", text, "absolute HDF5 path of a dataset, a data frame or a sparse matrix"},
	{"state", text, "the version of the file that is meant, as an answer's tickets name it"},
	{"fields", texts, "columns, in this order; all where none is named"},
	{"where", text, "condition in PyTables' language: (energy > cut) & (name == 'mu')"},
	{"vars.", scalars, "values of the condition's variables: vars.cut=75"},
	{"start", whole, "first row; negative counts from the end"},
	{"stop", whole, "row to stop before"},
	{"step", whole, "every n-th row; negative reverses"},
	{"select", text, "NumPy index of an array: 0, 100:200, ::10"},
	{"coordinates", wholes, "rows, in this order"},
	{"mask", text, "a bit a row, least significant first, as base64"},
	{"sort_by", text, "in the order of a column"},
	{"check_csi", truth, "refuse to sort without a completely sorted index"},
	{"offset", whole, "so many rows of the result are passed over"},
	{"limit", whole, "at most so many rows"},
	{"batch_rows", whole, "rows of a batch"},
	{"batch_bytes", whole, "bytes of a batch"},
	{"stream.ordered", truth, "false: batches as they are ready"},
	{"stream.cyclic", truth, "begin again at the end"},
	{"stream.cycles", whole, "passes over the rows"},
	{"stream.block_rows", whole, "rows of a block"},
	{"stream.remainder", either, "rows past the last whole block: true, false or only"},
	{"stream.shuffle", whole, "seed of the blocks' order"},
	{"stream.shuffle_rows", truth, "shuffle the rows of each block, too"},
	{"stream.read_ahead", whole, "batches read ahead"},
	{"stream.workers", whole, "decoding goroutines"},
	{"stream.from_block", whole, "first block"},
	{"stream.to_block", whole, "block to end before"},
	{"stream.follow", truth, "go on as the dataset grows"},
	{"options.strings", text, "utf8 or binary"},
	{"options.enum", text, "dictionary or int"},
	{"options.time", text, "timestamp or numeric"},
	{"options.tensors", text, "tensor or nested"},
	{"options.layout", text, "columns or rows"},
	{"options.plain", truth, "only types that every engine reads"},
	{"options.netcdf", truth, "missing values are null"},
	{"options.index", text, "auto, off or only"},
	{"options.endpoints", whole, "endpoints of a FlightInfo"},
}

// bodyOf makes the JSON object that parameters stand for. Errors: fault.Invalid, naming the parameter.
func bodyOf(given url.Values, known []parameter) ([]byte, error) {
	body := map[string]any{}
	for name, values := range given {
		p, found := find(known, name)
		if !found {
			return nil, fault.New(fault.Invalid, "unknown parameter %s%s", spell.Quote(cut(name)), near.Hint(name, names(known)))
		}
		v, err := p.value(name, values)
		if err != nil {
			return nil, err
		}
		put(body, name, v)
	}
	return json.Marshal(body)
}

// put sets a member, of another one where its name has a point.
func put(body map[string]any, name string, v any) {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		body[name] = v
		return
	}
	members, _ := body[outer].(map[string]any)
	if members == nil {
		members = map[string]any{}
		body[outer] = members
	}
	members[inner] = v
}

func find(known []parameter, name string) (parameter, bool) {
	i := slices.IndexFunc(known, func(p parameter) bool {
		if p.kind == scalars {
			return len(name) > len(p.name) && strings.HasPrefix(name, p.name)
		}
		return p.name == name
	})
	if i < 0 {
		return parameter{}, false
	}
	return known[i], true
}

func names(known []parameter) (all []string) {
	for _, p := range known {
		all = append(all, p.name)
	}
	return all
}

// value is the JSON value of a parameter that was given once or, if it is a list, several times.
func (p parameter) value(name string, given []string) (any, error) {
	switch p.kind {
	case texts:
		return given, nil
	case wholes:
		all := []json.RawMessage{}
		for _, s := range given {
			n, err := integer(name, s)
			if err != nil {
				return nil, err
			}
			all = append(all, n)
		}
		return all, nil
	}
	if len(given) != 1 {
		return nil, fault.New(fault.Invalid, "parameter %s is there %d times: it is no list", spell.Quote(cut(name)), len(given))
	}
	return p.single(name, given[0])
}

func (p parameter) single(name, s string) (any, error) {
	switch p.kind {
	case whole:
		return integer(name, s)
	case truth:
		if b, is := boolean(s); is {
			return b, nil
		}
		return nil, fault.New(fault.Invalid, "parameter %s must be true or false", spell.Quote(name))
	case either:
		if b, is := boolean(s); is {
			return b, nil
		}
	case scalars:
		return scalar(s), nil
	}
	return s, nil
}

func boolean(s string) (value, is bool) {
	return s == "true" || s == "", s == "true" || s == "" || s == "false"
}

// integer keeps the digits of a whole number.
func integer(name, s string) (json.RawMessage, error) {
	if digits := strings.TrimPrefix(s, "-"); digits == "" || len(s) > 40 || strings.Trim(digits, "0123456789") != "" {
		return nil, fault.New(fault.Invalid, "parameter %s must be an integer", spell.Quote(name))
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return strconv.AppendInt(nil, n, 10), nil
	}
	sign, digits := s[:len(s)-len(strings.TrimPrefix(s, "-"))], strings.TrimLeft(s, "-0")
	return json.RawMessage(sign + digits), nil // more than 64 bits, which the request's parser judges
}

func scalar(s string) any {
	var v any
	if err := json.Unmarshal([]byte(s), &v); err == nil {
		switch v.(type) {
		case float64, bool, string:
			return json.RawMessage(s)
		}
	}
	return s
}

// cut bounds a name from outside for a message.
func cut(name string) string { return name[:min(len(name), 80)] }
