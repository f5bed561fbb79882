package web

import (
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/parquet"
	"github.com/mtflight/mtflight/internal/spell"
)

// A format is how rows are written.
type format struct {
	name, sink string   // of the parameter; of package sink
	media      []string // the first is what answers say
	ending     string
	codecs     []string // compressions of its own
}

// formats: the first is what who accepts anything gets.
var formats = []format{
	{"arrow", "arrows", []string{"application/vnd.apache.arrow.stream"}, ".arrows", []string{"lz4", "zstd"}},
	{"parquet", "parquet", []string{"application/vnd.apache.parquet", "application/x-parquet"}, ".parquet", parquet.Codecs},
	{"csv", "csv", []string{"text/csv"}, ".csv", nil},
	{"jsonl", "jsonl", []string{"application/x-ndjson", "application/jsonl", "application/jsonlines"}, ".jsonl", nil},
	{"json", "json", []string{"application/json"}, ".json", nil},
}

// own are parameters that are no members of a request.
var own = []string{"format", "compression", "max_bytes"}

// chosen is the format that a request asks for by its parameter, else by what it accepts, and the compression.
func chosen(r *http.Request) (f format, codec string, err error) {
	given := r.URL.Query()
	for _, name := range own {
		if len(given[name]) > 1 {
			return f, "", fault.New(fault.Invalid, "parameter %q is there %d times", name, len(given[name]))
		}
	}
	if name := given.Get("format"); name != "" {
		f, err = named(name)
	} else {
		f, err = accepted(strings.Join(r.Header.Values("Accept"), ","))
	}
	if err != nil {
		return f, "", err
	}
	codec = given.Get("compression")
	if codec != "" && !slices.Contains(f.codecs, codec) {
		return f, "", fault.New(fault.Invalid, "unknown compression %s of %s: there are %s", spell.Quote(cut(codec)), f.name, orNone(f.codecs))
	}
	return f, codec, nil
}

// mostOf is the parameter max_bytes: of an answer to who has no room for more.
func mostOf(r *http.Request) (int64, error) {
	given := r.URL.Query().Get(own[2])
	if given == "" {
		return math.MaxInt64, nil
	}
	n, err := strconv.ParseInt(given, 10, 64)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "parameter %q must be a number of bytes", own[2])
	}
	return n, nil
}

func tooMany(most int64) error {
	return fault.New(fault.Exhausted, "the answer is %w for %s=%d: ask for fewer rows or columns", errTooLarge, own[2], most)
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none (but Accept-Encoding: gzip)"
	}
	return strings.Join(all, ", ")
}

func named(name string) (format, error) {
	var all []string
	for _, f := range formats {
		if f.name == name {
			return f, nil
		}
		all = append(all, f.name)
	}
	return format{}, fault.New(fault.Invalid, "unknown format %s%s: there are %s", spell.Quote(cut(name)), near.Hint(name, all), strings.Join(all, ", "))
}

// accepted chooses by a header Accept: what it likes best, of equals what comes first.
func accepted(header string) (best format, err error) {
	if header == "" {
		return formats[0], nil
	}
	liked := 0.0
	for part := range strings.SplitSeq(header, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, given := params["q"]; given {
			q, _ = strconv.ParseFloat(text, 64)
		}
		if f, known := ofMedia(media); known && q > liked {
			best, liked = f, q
		}
	}
	if liked == 0 {
		return best, fault.New(fault.Invalid, "the header Accept takes none of the formats that there are: give format=arrow, parquet, csv, jsonl or json")
	}
	return best, nil
}

func ofMedia(media string) (format, bool) {
	if media == "*/*" || media == "application/*" {
		return formats[0], true
	}
	i := slices.IndexFunc(formats, func(f format) bool { return slices.Contains(f.media, media) || media == "text/*" && f.name == "csv" })
	if i < 0 {
		return format{}, false
	}
	return formats[i], true
}
