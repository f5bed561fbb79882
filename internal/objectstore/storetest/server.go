// Package storetest is a store of objects in this process, for tests: a Server speaks as much of S3 as is read, of the bucket "data", and
// does what a Fault says. It looks at no signature.
package storetest

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Fault is what is wrong with an answer.
type Fault int

// The faults. Those from Wrong on a store has for good.
const (
	None      Fault = iota
	SlowDown        // 503
	Reset           // the connection ends
	Cut             // half of the bytes that were announced
	Short           // fewer bytes, as if that were all
	Long            // more bytes than were asked for
	Shifted         // the range behind the one that was asked for, and it says so
	Resized         // the object is told to be longer
	Garbage         // a status of 500 and a text
	Wrong           // 403
	Elsewhere       // a redirect to another host
	Whole           // the whole object, as a server without ranges
	Untagged        // no ETag
	Weak            // a weak ETag
	Packed          // another encoding
	Retagged        // another ETag than the object has
	Inward          // a redirect to where clouds tell machines their credentials
	Circle          // a redirect to itself
	Endless         // the right range, announced without a length, and more behind it
	Unlike          // another length than the range that it tells
	Hang            // no answer
	Faults
)

// Server is a store. Its methods may be called at any time.
type Server struct {
	*httptest.Server
	Requests, Bytes atomic.Int64
	Headers         sync.Map // of the last request, by name

	mu      sync.Mutex
	objects map[string]object
	fault   func(r *http.Request) Fault
}

type object struct {
	bytes []byte
	tag   string
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{objects: map[string]object{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// Put puts an object, or another version of it.
func (s *Server) Put(key string, b []byte) {
	tag := Tag(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = object{b, tag}
}

// Tag is the ETag of an object's bytes.
func Tag(b []byte) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(b))[:32]) }

// Delete takes an object away.
func (s *Server) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// Fail has f decide about each request from now on.
func (s *Server) Fail(f func(r *http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Root is the address of a key, or of what is below it, asked for without credentials.
func (s *Server) Root(key string) string {
	return "s3://data/" + key + "?anonymous=true&endpoint=" + url.QueryEscape(s.URL)
}

// ServeHTTP is http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Requests.Add(1)
	for k := range r.Header {
		s.Headers.Store(k, r.Header.Get(k))
	}
	s.mu.Lock()
	fault := None
	if s.fault != nil {
		fault = s.fault(r)
	}
	key, below := strings.CutPrefix(r.URL.Path, "/data/")
	b, found := s.objects[key]
	s.mu.Unlock()
	switch {
	case fault == SlowDown:
		fail(w, http.StatusServiceUnavailable, "SlowDown")
	case fault == Garbage:
		http.Error(w, strings.Repeat("<Code>secret key</Code>", 4096), http.StatusInternalServerError)
	case fault == Wrong:
		fail(w, http.StatusForbidden, "SignatureDoesNotMatch")
	case fault == Reset:
		panic(http.ErrAbortHandler)
	case fault == Elsewhere:
		http.Redirect(w, r, "http://elsewhere.example"+r.URL.Path, http.StatusTemporaryRedirect)
	case fault == Inward:
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
	case fault == Circle:
		http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
	case fault == Hang:
		<-r.Context().Done()
	case r.URL.Path == "/data":
		s.list(w, r)
	case !below || !found:
		fail(w, http.StatusNotFound, "NoSuchKey")
	default:
		s.object(w, r, b, fault)
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>of secret AKIAEXAMPLE</Message></Error>", code)
}

func (s *Server) object(w http.ResponseWriter, r *http.Request, o object, fault Fault) {
	b, tag := o.bytes, o.tag
	if m := r.Header.Get("If-Match"); m != "" && m != tag {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	h := w.Header()
	h.Set("Last-Modified", time.Unix(1e9, 0).UTC().Format(http.TimeFormat))
	switch fault {
	case Untagged:
	case Weak:
		h.Set("ETag", "W/"+tag)
	case Retagged:
		h.Set("ETag", `"another"`)
	default:
		h.Set("ETag", tag)
	}
	if fault == Packed {
		h.Set("Content-Encoding", "gzip")
	}
	var from, to int64
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil || fault == Whole {
		_, _ = w.Write(b)
		return
	}
	size := int64(len(b))
	if to = min(to, size-1); from > to {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		fail(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		return
	}
	s.part(w, b, from, to, fault)
}

// part answers with a range, which is not at the end of the object where the fault is Shifted or Long.
func (s *Server) part(w http.ResponseWriter, b []byte, from, to int64, fault Fault) {
	size, length := int64(len(b)), to-from+1
	switch fault {
	case Shifted:
		from, to = from+1, min(to+1, size-1)
		length = to - from + 1
	case Resized:
		size++
	case Short:
		to -= length - length/2
		length /= 2
	}
	body := b[from : to+1]
	switch fault {
	case Long:
		body = append(slices.Clone(body), 'x')
		length++
	case Unlike:
		body = body[:length/2]
		length /= 2
	case Endless:
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, size))
		w.WriteHeader(http.StatusPartialContent)
		for range 3 {
			if _, err := w.Write(body); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
		return
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, size))
	w.Header().Set("Content-Length", fmt.Sprint(length))
	w.WriteHeader(http.StatusPartialContent)
	if fault == Cut {
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	s.Bytes.Add(int64(len(body))) // before whoever reads them may look
	_, _ = w.Write(body)
}

// listing is an answer of ListObjectsV2.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Contents              []entry
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
}

type entry struct {
	Key  string
	Size int
}

// perPage is how many keys there are in an answer.
const perPage = 3

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out listing
	q := r.URL.Query()
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		switch {
		case !strings.HasPrefix(key, q.Get("prefix")) || key <= q.Get("continuation-token"):
		case len(out.Contents) == perPage:
			out.IsTruncated, out.NextContinuationToken = true, out.Contents[perPage-1].Key
		default:
			out.Contents = append(out.Contents, entry{key, len(s.objects[key].bytes)})
		}
	}
	text, _ := xml.Marshal(out)
	_, _ = w.Write(text)
}
