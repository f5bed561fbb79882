package objectstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
)

// Root is what may be read of a store: the objects below a prefix, or one.
type Root struct {
	scheme string
	bucket string                                                      // of S3
	top    url.URL                                                     // of what keys are below, without a query
	query  string                                                      // that goes with every request; a secret
	prefix string                                                      // of the keys, or the only key; no slash at either end
	header http.Header                                                 // that goes with every request
	sign   func(context.Context, *http.Request) (*http.Request, error) // nil: not at all
	client *http.Client
}

// Is tells whether a text is the URL of a store, not a path on disk or a server of Flight.
func Is(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	return found && (scheme == "s3" || scheme == "https" || scheme == "http")
}

// Shown is a text that may be an address, or NAME= and one, without what may be a secret.
func Shown(text string) string {
	_, address, named := strings.Cut(text, "=")
	if Is(text) || named && Is(address) {
		text, _, _ = strings.Cut(text, "?")
	}
	return text
}

// Parse takes the URL of a store apart: s3://BUCKET/PREFIX, with options behind a question mark, or https://HOST/FILE, whose
// query is sent as it is. It asks nobody anything.
func Parse(text string) (*Root, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil: // whose text has the URL
		return nil, fault.New(fault.Invalid, "a store's address is no URL: write s3://BUCKET/PREFIX, with %%3F for a question mark in a name")
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "a store's address has no user or password in it: credentials come from the environment or files (docs/stores.md)")
	case u.Host == "":
		return nil, fault.New(fault.Invalid, "the store %s:// lacks its bucket or host: write s3://BUCKET/PREFIX or https://HOST/FILE", u.Scheme)
	case u.Fragment != "":
		return nil, fault.New(fault.Invalid, "a store's address ends with what looks like a fragment: write %%23 for a # in a name")
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" && !clean(prefix) {
		return nil, fault.New(fault.Invalid, "a store's address has an empty part, . or .. in its path: objects that are called so are not served")
	}
	if u.Scheme == "s3" {
		return newS3(u, prefix)
	}
	if prefix == "" || strings.HasSuffix(u.Path, "/") {
		return nil, fault.New(fault.Invalid, "%s://%s: a server of HTTP has no listing that is understood: name one file", u.Scheme, u.Host)
	}
	return &Root{scheme: u.Scheme, top: url.URL{Scheme: u.Scheme, Host: u.Host}, query: u.RawQuery, prefix: prefix, client: client()}, nil
}

// clean tells whether a key is one that a path can stand for.
func clean(key string) bool {
	return key != "" && !strings.ContainsRune(key, 0) && path.Clean("/"+key) == "/"+key
}

// Name is the address without what may be a secret.
func (r *Root) Name() string {
	host := r.top.Host
	if r.scheme == "s3" {
		host = r.bucket
	}
	return strings.TrimSuffix(r.scheme+"://"+host+"/"+r.prefix, "/")
}

// Whole is the root of the whole bucket.
func (r *Root) Whole() *Root {
	whole := *r
	if r.Listed() {
		whole.prefix = ""
	}
	return &whole
}

// Listed tells whether the store has listings: else the root is one object.
func (r *Root) Listed() bool { return r.scheme == "s3" }

// Place is that of the root: what is below it begins with it and a slash.
func (r *Root) Place() string { return strings.TrimSuffix(r.home()+r.prefix, "/") }

// home is the place that keys are below.
func (r *Root) home() string {
	home := "/" + r.scheme + ":/" + r.top.Host + "/"
	if r.bucket != "" {
		home += r.bucket + "/"
	}
	return home
}

// Holds tells whether a place is one of an object of the root.
func (r *Root) Holds(place string) bool {
	_, ok := r.key(place)
	return ok
}

// key is that of the object at a place.
func (r *Root) key(place string) (string, bool) {
	key, ok := strings.CutPrefix(place, r.home())
	return key, ok && clean(key) && (r.prefix == "" || key == r.prefix || r.Listed() && strings.HasPrefix(key, r.prefix+"/"))
}

// signing are the parameters of queries that sign a request, or say until when it may be made: of Amazon's, Google's and Azure's.
var signing = regexp.MustCompile(`(?i)^(X-Amz-.*|X-Goog-.*|AWSAccessKeyId|GoogleAccessId|Key-Pair-Id|Policy|Signature|Expires|sig|s[veptr]|spr|sdd|ske|skoid|sktid|skt|sks|skv|sip)$`)

// chosen is a digest of what a query, which may be a secret, has beside a signature: it may choose the file, whose ETag means nothing for
// others. "": nothing.
func chosen(query string) string {
	q, err := url.ParseQuery(query)
	if err == nil {
		maps.DeleteFunc(q, func(name string, _ []string) bool { return signing.MatchString(name) })
		query = q.Encode()
	}
	if query == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(query))
	return "\x00" + hex.EncodeToString(sum[:])
}
