package objectstore

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
)

const (
	mostListed = 100_000 // objects looked at by one listing
	perPage    = 1000
	pageText   = 16 << 20 // bytes of a page
)

// page is one answer of ListObjectsV2.
type page struct {
	Contents []struct {
		Key  string
		Size int64
	}
	IsTruncated           bool
	NextContinuationToken string
}

// List visits the objects of a listed root whose names below it begin with a text, in the order of their keys, by place and size. Those whose key is not clean, or
// ends with a slash, are left out. Of more than 100,000 the rest is refused.
func (r *Root) List(ctx context.Context, d *disks.Disks, begin string, visit func(place string, size int64) error) error {
	prefix := r.prefix
	if prefix != "" {
		prefix += "/"
	}
	lane := r.lane(d, r.Place())
	for token, seen := "", 0; ; {
		p, err := r.page(ctx, lane, prefix+begin, token)
		if err != nil {
			return err
		}
		for _, c := range p.Contents {
			if seen++; seen > mostListed {
				return fault.New(fault.Exhausted, "there are more than %d objects: name a longer prefix", mostListed)
			}
			if !strings.HasPrefix(c.Key, prefix+begin) || !clean(c.Key) {
				continue
			}
			if err := visit(r.home()+c.Key, c.Size); err != nil {
				return err
			}
		}
		if !p.IsTruncated {
			return nil
		}
		if seen == 0 || p.NextContinuationToken == "" || p.NextContinuationToken == token || len(p.Contents) == 0 {
			return fault.New(fault.Unavailable, "the store's listing does not go on: ask again later")
		}
		token = p.NextContinuationToken
	}
}

func (r *Root) page(ctx context.Context, lane *disks.Lane, prefix, token string) (p page, err error) {
	q := url.Values{"list-type": {"2"}, "max-keys": {"1000"}, "prefix": {prefix}}
	if token != "" {
		q.Set("continuation-token", token)
	}
	query := strings.ReplaceAll(q.Encode(), "+", "%20")
	err = disks.Call(ctx, lane, func(ctx context.Context) error {
		return again(ctx, func() (err error) {
			p, err = r.pageOnce(ctx, query)
			return err
		})
	})
	return p, err
}

func (r *Root) pageOnce(ctx context.Context, query string) (p page, err error) {
	resp, err := r.get(ctx, "", query, nil)
	if err != nil {
		return p, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, pageText))
	if err != nil || resp.ContentLength >= 0 && resp.ContentLength != int64(len(text)) {
		return p, passing{errors.New("the store's listing is cut off")}
	}
	return parsePage(text)
}

func parsePage(text []byte) (p page, err error) {
	if xml.Unmarshal(text, &p) != nil || len(p.Contents) > perPage {
		return page{}, passing{errors.New("the store's listing cannot be understood")}
	}
	return p, nil
}

// Check tells whether the root can be read now: whether it is one object, or something is below it. A bucket whose objects may be read
// need not be one that may be listed.
func (r *Root) Check(ctx context.Context, d *disks.Disks) (isObject bool, err error) {
	if r.prefix != "" {
		if _, err = r.Open(ctx, d, nil, r.Place()); fault.Of(err) != fault.NotFound || !r.Listed() {
			return err == nil, err
		}
	}
	prefix := r.prefix
	if prefix != "" {
		prefix += "/"
	}
	p, err := r.page(ctx, r.lane(d, r.Place()), prefix, "")
	if err == nil && len(p.Contents) == 0 && prefix != "" {
		return false, fault.New(fault.NotFound, "the bucket has no object of this name, nor below it")
	}
	if prefix == "" && errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	return false, err
}
