package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/sink"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// outcome is the trailer of a whole answer. An answer without it is cut off: its connection broke.
const outcome = "Mtflight-Outcome"

// version is the header that names the version of the file, for the parameter state of who asks for more of it.
const version = "Mtflight-State"

// skipped is the header that says how many files are left out, since they cannot be read. Arrow's schema has their names.
const skipped = "Mtflight-Skipped"

const maxState = 4 << 10 // of many files it is longer than clients take headers

// wanted is what a request for rows asks for.
type wanted struct {
	protocol.Request
	format
	codec string
	most  int64 // bytes of the answer
}

// data answers with rows.
func (h *Handler) data(w http.ResponseWriter, r *http.Request) {
	h.call(w, r, "data", func(ctx context.Context, out *outlet) error {
		want, err := h.wantedBy(ctx, out, r)
		if err != nil {
			return err
		}
		p, err := h.service.Plan(ctx, want.Request)
		if err != nil {
			return err
		}
		if p.Endless() && want.format.name == "parquet" {
			return fault.New(fault.Invalid, "Parquet has an end: a stream without one comes as format=arrow or jsonl")
		}
		if out.most = want.most; want.name == "arrow" && want.codec == "" && p.Bounded() && p.Bytes() > want.most {
			return tooMany(want.most)
		}
		fresh(w.Header(), want.media[0])
		if state := p.State(); len(state) <= maxState {
			w.Header().Set(version, state)
		}
		if text, some := p.Schema().Metadata().GetValue(protocol.SkippedKey); some {
			w.Header().Set(skipped, strconv.Itoa(len(protocol.ParseSkipped(text))))
		}
		tag := "" // of what may change without its file, or has no end
		if !p.Endless() && p.Alone() {
			tag = h.tag(p, want)
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(want)}))
		switch {
		case tag != "" && matches(r.Header.Get("If-None-Match"), tag):
			w.WriteHeader(http.StatusNotModified)
			return nil
		case want.name == "parquet":
			return h.whole(ctx, out, r, p, want, tag)
		case r.Method == http.MethodHead:
			return nil
		}
		return h.stream(ctx, out, p, want)
	})
}

func (h *Handler) wantedBy(ctx context.Context, out *outlet, r *http.Request) (want wanted, err error) {
	body, err := h.bodyFrom(ctx, out, r, ofData)
	if err != nil {
		return want, err
	}
	if want.Request, err = protocol.ParseTicket(body); err != nil {
		return want, err
	}
	if want.format, want.codec, err = chosen(r); err != nil {
		return want, err
	}
	if want.most, err = mostOf(r); err != nil {
		return want, err
	}
	var given struct{ Options struct{ Plain *bool } }
	_ = json.Unmarshal(body, &given) // which was parsed
	want.Request = sink.Prepare(want.sink, want.Request, given.Options.Plain != nil)
	return want, nil
}

// tag is the ETag of an answer: of the file's version, the request, and how it is written.
func (h *Handler) tag(p *reader.Plan, want wanted) string {
	ticket, _ := protocol.FormatTicket(want.Request) // which came as one
	hash := sha256.New()
	for _, part := range []string{h.version, p.State(), want.name, want.codec, string(ticket)} {
		_, _ = io.WriteString(hash, part+"\x00") // a hash takes all
	}
	return `"` + base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:18]) + `"`
}

// matches tells whether a header If-None-Match has a tag.
func matches(header, tag string) bool {
	bare := strings.Trim(tag, `"`)
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == "*" || strings.TrimSuffix(strings.Trim(part, `"`), "-c") == bare { // smaller ones have a suffix
			return true
		}
	}
	return false
}

func fileName(want wanted) string {
	name := path.Base(want.Dataset)
	if name == "/" || name == "." {
		name = path.Base(want.File)
	}
	return name + want.ending
}

// stream writes the rows as they are read.
func (h *Handler) stream(ctx context.Context, out *outlet, p *reader.Plan, want wanted) error {
	out.Header().Set("Trailer", outcome)
	err := write(ctx, out, p, want, func(run *reader.Run) {
		h.service.Sent(ctx, run.Record().NumRows(), 0)
		if run.Follows() {
			_ = out.deadline.Flush() // who follows waits for each row; a recorder of tests may not flush
		}
	})
	if err == nil {
		out.Header().Set(outcome, "whole")
	}
	return err
}

// whole answers with a file, of which clients may read parts.
//
// What has no tag is not kept: others may ask for the next part, who may not read all that it is made of, or of which something has changed.
func (h *Handler) whole(ctx context.Context, out *outlet, r *http.Request, p *reader.Plan, want wanted, tag string) error {
	f, err := h.files.get(ctx, tag, func(w io.Writer) error { return write(ctx, w, p, want, func(*reader.Run) {}) })
	if err != nil {
		return err
	}
	defer f.done()
	if f.size > want.most {
		return tooMany(want.most)
	}
	content := io.NewSectionReader(f.file, 0, f.size)
	if tag != "" {
		http.ServeContent(out, r, "", f.made, content)
		return nil
	}
	out.Header().Set("Accept-Ranges", "none")
	out.Header().Set("Content-Length", strconv.FormatInt(f.size, 10))
	if r.Method != http.MethodHead {
		_, err = io.Copy(out, content)
	}
	return err
}

// write writes all rows of a plan, and tells of each batch that was. Nothing is written before the first batch, so that what fails at
// once is told.
func write(ctx context.Context, w io.Writer, p *reader.Plan, want wanted, wrote func(*reader.Run)) error {
	run := p.Run(ctx)
	defer run.Release()
	more := run.Next()
	if run.Err() != nil {
		return run.Err()
	}
	s, err := sink.New(want.sink, want.codec, w, run.Schema(), p.Rows())
	if err != nil {
		return err
	}
	for ; more; more = run.Next() {
		if err := s.Write(run.Record()); err != nil {
			return err
		}
		wrote(run)
	}
	if run.Err() != nil {
		return run.Err()
	}
	if err := run.Settle(); err != nil {
		return err
	}
	return s.Close()
}
