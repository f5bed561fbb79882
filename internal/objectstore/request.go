package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	attempts  = 6
	errorText = 16 << 10 // bytes of an error's text that are looked at
)

// FirstRest is how long the first attempt is rested after, and doubles from one to the next; a variable for tests.
var FirstRest = 100 * time.Millisecond

// passing is an error that another attempt may not have.
type passing struct{ error }

// again makes attempts at a request until it succeeds, ctx ends or there were enough.
func again(ctx context.Context, try func() error) error {
	for n := 0; ; n++ {
		err := try()
		var may passing
		switch {
		case ctx.Err() != nil:
			return unanswered(ctx, err)
		case !errors.As(err, &may):
			return err
		case n == attempts-1:
			return fault.New(fault.Unavailable, "%w (asked %d times): ask again later", may.error, attempts)
		}
		rest := FirstRest << n
		select {
		case <-time.After(rest/2 + rand.N(rest)):
		case <-ctx.Done():
			return unanswered(ctx, err)
		}
	}
}

// unanswered is why a request ended with its context: the caller went, or the time was over.
func unanswered(ctx context.Context, last error) error {
	cause := context.Cause(ctx)
	if last == nil || fault.Of(cause) == nil {
		return cause
	}
	return fault.New(fault.Of(cause), "%w (%s)", cause, plain(last))
}

// plain is the words of an error that has no secret in it: not those of Go's HTTP client, which have the URL.
func plain(err error) string {
	var may passing
	if errors.As(err, &may) {
		return may.Error()
	}
	if fault.Of(err) != nil {
		return err.Error()
	}
	return "no answer"
}

// request is a GET of a key, or with an empty key of the bucket.
func (r *Root) request(ctx context.Context, key string, query string, more http.Header) (*http.Request, error) {
	u := r.top
	u.RawQuery = query
	if key != "" {
		u.Path += "/" + key
	} else if u.Path == "" {
		u.Path = "/"
	}
	if r.scheme == "s3" {
		u.RawPath = escaped(u.Path)
	}
	req := (&http.Request{Method: http.MethodGet, URL: &u, Host: u.Host, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	for _, h := range []http.Header{r.header, more} {
		for k, v := range h {
			req.Header[k] = v
		}
	}
	req.Header.Set("Accept-Encoding", "identity")
	if r.scheme == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", nothing)
	}
	if r.sign == nil {
		return req, nil
	}
	return r.sign(ctx, req)
}

// get makes one attempt at a request. The caller closes the answer's body; what is not a success is an error.
func (r *Root) get(ctx context.Context, key, query string, more http.Header) (*http.Response, error) {
	req, err := r.request(ctx, key, query, more)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, unsent(err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, r.failed(resp)
}

// unsent is the error of a request without an answer, without its URL.
func unsent(err error) error {
	var with *url.Error
	if errors.As(err, &with) {
		err = with.Err
	}
	switch {
	case errors.Is(err, errRedirect):
		return errRedirect
	case errors.Is(err, errLinkLocal):
		return fault.New(fault.Denied, "%s", errLinkLocal)
	}
	return passing{errors.New("the store cannot be reached, or does not answer")}
}

var (
	codeText   = regexp.MustCompile(`<Code>([A-Za-z0-9]{1,64})</Code>`)
	regionText = regexp.MustCompile(`<Region>([a-z0-9-]{1,64})</Region>`)
)

// errReplaced is of a range of a version that is no more.
var errReplaced = fault.New(fault.Changed, "the object was replaced while it was read: ask again")

// failed is the error of an answer. Nothing of its text gets into it but S3's codes and regions, which are words.
func (r *Root) failed(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, errorText))
	code := ""
	if m := codeText.FindSubmatch(text); m != nil {
		code = " (" + string(m[1]) + ")"
	}
	told := fmt.Sprintf("the store answers %d%s", resp.StatusCode, code)
	switch s := resp.StatusCode; {
	case s == http.StatusNotFound || s == http.StatusGone:
		return fault.New(fault.NotFound, "%s: %w", told, fs.ErrNotExist)
	case s == http.StatusPreconditionFailed:
		return errReplaced
	case s == http.StatusRequestedRangeNotSatisfiable:
		return fault.New(fault.DataLoss, "%s: the object is empty, or shorter than it was", told)
	case s == http.StatusForbidden && strings.Contains(code, "AccessDenied"):
		return fault.New(fault.Denied, "%s: check that the credentials may read it: %w", told, fs.ErrPermission)
	case s == http.StatusUnauthorized || s == http.StatusForbidden || strings.Contains(code, "Token"): // ExpiredToken and others are 400
		return fault.New(fault.Denied, "%s: check the credentials, and that they may read it", told)
	case s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || strings.Contains(code, "RequestTimeout)") || s >= 500 && s != http.StatusNotImplemented && s != http.StatusHTTPVersionNotSupported:
		return passing{errors.New(told)}
	}
	if m := regionText.FindSubmatch(text); m != nil {
		return fault.New(fault.Denied, "%s: the bucket is of the region %s: set AWS_REGION, or add ?region=%s to its address", told, m[1], m[1])
	}
	return fault.New(fault.Denied, "%s: check endpoint, region and bucket", told)
}
