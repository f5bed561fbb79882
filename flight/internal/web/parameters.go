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
	must  bool // no request goes without
}

// ofData are the members of a request as protocol.ParseTicket knows them.
var ofData = []parameter{
	{"file", text, "file, by its name below the server's roots", true},
	{"dataset", text, "absolute HDF5 path of a dataset, a data frame, a sparse matrix or a group whose datasets have one length", false},
	{"datasets", texts, "in the place of dataset: paths of datasets of one length, which are columns of a table", false},
	{"state", text, "the version of the file that is meant, as an answer's tickets name it", false},
	{"fields", texts, "columns, in this order; all where none is named", false},
	{"where", text, "condition in PyTables' language: (energy > cut) & (name == 'mu')", false},
	{"vars.", scalars, "values of the condition's variables: vars.cut=75", false},
	{"start", whole, "first row; negative counts from the end", false},
	{"stop", whole, "row to stop before", false},
	{"step", whole, "every n-th row; negative reverses", false},
	{"select", text, "NumPy index of an array: 0, 100:200, ::10", false},
	{"coordinates", wholes, "rows, in this order", false},
	{"mask", text, "a bit a row, least significant first, as base64", false},
	{"sort_by", text, "in the order of a column", false},
	{"check_csi", truth, "refuse to sort without a completely sorted index", false},
	{"offset", whole, "so many rows of the result are passed over", false},
	{"limit", whole, "at most so many rows", false},
	{"batch_rows", whole, "rows of a batch", false},
	{"batch_bytes", whole, "bytes of a batch", false},
	{"stream.ordered", truth, "false: batches as they are ready", false},
	{"stream.cyclic", truth, "begin again at the end", false},
	{"stream.cycles", whole, "passes over the rows", false},
	{"stream.block_rows", whole, "rows of a block", false},
	{"stream.remainder", either, "rows past the last whole block: true, false or only", false},
	{"stream.shuffle", whole, "seed of the blocks' order", false},
	{"stream.shuffle_rows", truth, "shuffle the rows of each block, too", false},
	{"stream.read_ahead", whole, "batches read ahead", false},
	{"stream.workers", whole, "decoding goroutines", false},
	{"stream.from_block", whole, "first block", false},
	{"stream.to_block", whole, "block to end before", false},
	{"stream.follow", truth, "go on as the dataset grows", false},
	{"options.strings", text, "utf8 or binary", false},
	{"options.enum", text, "dictionary or int", false},
	{"options.time", text, "timestamp or numeric", false},
	{"options.tensors", text, "tensor or nested", false},
	{"options.layout", text, "columns or rows", false},
	{"options.plain", truth, "only types that every engine reads", false},
	{"options.netcdf", truth, "missing values are null", false},
	{"options.index", text, "auto, off or only", false},
	{"options.file_column", text, "over several files: name of a column of their names", false},
	{"options.partitions", truth, "over several files: columns of folders KEY=VALUE", false},
	{"options.schema", text, "over several files: unify or strict", false},
	{"options.on_error", text, "over several files: error, or skip, which leaves out what cannot be read", false},
	{"options.endpoints", whole, "endpoints of a FlightInfo", false},
	{"options.compression", text, "lz4 or zstd: of what Flight sends; answers by HTTP have a parameter of their own", false},
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
