package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
)

// mostRange is the bytes that are asked for at once.
const mostRange = 8 << 20

// Info is what a store says of one version of an object.
type Info struct {
	Size     int64
	Tag      string // the strong ETag, with its quotes
	Modified time.Time
}

// Object is one version of an object. It needs no closing.
type Object struct {
	root *Root
	key  string
	info Info
	lane *disks.Lane // nil: calls are not bounded

	changed atomic.Bool
	blocks  *Blocks
	turn    chan struct{} // of who reads blocks
}

// Info is what the store said of the version.
func (o *Object) Info() Info { return o.info }

// Lane is where calls about the object wait.
func (o *Object) Lane() *disks.Lane { return o.lane }

// Changed tells whether a read has found another version, or none, in the place of this one.
func (o *Object) Changed() bool { return o.changed.Load() }

// Version names the version beyond this program: by the object's place, what chooses it in the query, and its ETag.
func (o *Object) Version() string {
	return o.root.home() + o.key + "\x00" + o.info.Tag + chosen(o.root.query)
}

// Open opens the object at a place as it is now. What is read of its metadata is kept by b; nil: it is not. One that is not there is
// fault.NotFound, and fs.ErrNotExist.
func (r *Root) Open(ctx context.Context, d *disks.Disks, b *Blocks, place string) (*Object, error) {
	key, ok := r.key(place)
	if !ok {
		return nil, fault.New(fault.NotFound, "no such object in the root")
	}
	o := &Object{root: r, key: key, lane: r.lane(d, place), blocks: b, turn: make(chan struct{}, 1)}
	n := int64(1)
	if b != nil {
		n = blockSize
	}
	first := make([]byte, n)
	err := disks.Call(ctx, o.lane, func(ctx context.Context) error {
		return again(ctx, func() (err error) {
			o.info, n, err = r.first(ctx, key, first)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	b.put(o, 0, first[:n])
	b.onDisk().Put(ctx, o.digest(0), first[:n])
	return o, nil
}

// lane is where calls about what is at a place wait.
func (r *Root) lane(d *disks.Disks, place string) *disks.Lane {
	return d.Remote(r.Name(), r.scheme).Lane(place)
}

// first reads the first bytes of an object, of which there may be fewer, and what its answer says of it.
func (r *Root) first(ctx context.Context, key string, p []byte) (info Info, n int64, err error) {
	resp, err := r.get(ctx, key, r.query, http.Header{"Range": {fmt.Sprintf("bytes=0-%d", len(p)-1)}})
	if err != nil {
		return info, 0, err
	}
	defer resp.Body.Close()
	if info, err = described(resp); err != nil {
		return info, 0, err
	}
	n = min(info.Size, int64(len(p)))
	return info, n, exactly(resp, info.Size, 0, [][]byte{p[:n]})
}

var contentRange = regexp.MustCompile(`^bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})$`)

// described is what an answer to a range says of its object.
func described(resp *http.Response) (info Info, err error) {
	m := contentRange.FindStringSubmatch(resp.Header.Get("Content-Range"))
	if resp.StatusCode != http.StatusPartialContent || m == nil {
		return info, fault.New(fault.Unsupported, "the store does not give ranges of the object: copy it to a local disk")
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" && e != "aws-chunked" {
		return info, fault.New(fault.Unsupported, "the store gives the object in another encoding than it has: copy it to a local disk")
	}
	info.Size, _ = strconv.ParseInt(m[3], 10, 64) // of 18 digits
	info.Tag = resp.Header.Get("ETag")
	if !strong(info.Tag) {
		return info, fault.New(fault.Unsupported, "the store gives no strong ETag, so an object that is replaced while it is read could not be told: copy it to a local disk")
	}
	info.Modified, _ = http.ParseTime(resp.Header.Get("Last-Modified")) // or none
	return info, nil
}

// strong tells whether a tag names bytes.
func strong(tag string) bool {
	if len(tag) < 3 || len(tag) > 256 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return false
	}
	return !strings.ContainsFunc(tag[1:len(tag)-1], func(c rune) bool { return c <= ' ' || c == '"' || c >= 0x7f })
}

func total(p [][]byte) (n int64) {
	for _, part := range p {
		n += int64(len(part))
	}
	return n
}

// exactly reads what an answer has, which has to be the bytes from off on that p has room for, of an object of a size.
func exactly(resp *http.Response, size, off int64, p [][]byte) error {
	n := total(p)
	want := fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, size)
	if resp.StatusCode != http.StatusPartialContent || resp.Header.Get("Content-Range") != want {
		return passing{errors.New("the store answers with another range than was asked for")}
	}
	if resp.ContentLength >= 0 && resp.ContentLength != n {
		return passing{errors.New("the store answers with another length than was asked for")}
	}
	for _, part := range p {
		if _, err := io.ReadFull(resp.Body, part); err != nil {
			return passing{errors.New("the store's answer is cut off")}
		}
	}
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		return passing{errors.New("the store answers with more bytes than were asked for")}
	}
	return nil
}

// Read fills p with the object's bytes from off on, which must all be within it. fault.Changed: they are of another version by now.
func (o *Object) Read(ctx context.Context, p []byte, off int64) error {
	if off < 0 || off > o.info.Size || int64(len(p)) > o.info.Size-off {
		return fault.New(fault.DataLoss, "%d bytes at address %d lie beyond the end of the object (%d bytes)", len(p), off, o.info.Size)
	}
	if o.blocks != nil && o.blocks.disk != nil {
		return o.through(ctx, p, off)
	}
	return o.fetch(ctx, p, off)
}

// fetch reads from the store.
func (o *Object) fetch(ctx context.Context, p []byte, off int64) error {
	for len(p) > 0 {
		n := min(len(p), mostRange)
		if err := o.read(ctx, [][]byte{p[:n]}, off); err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// read fills pieces of memory with one range.
func (o *Object) read(ctx context.Context, p [][]byte, off int64) error {
	err := disks.Call(ctx, o.lane, func(ctx context.Context) error {
		return again(ctx, func() error { return o.once(ctx, p, off) })
	})
	switch fault.Of(err) {
	case fault.NotFound:
		err = errReplaced
		fallthrough
	case fault.Changed:
		o.changed.Store(true)
	case fault.Denied, fault.Unsupported, fault.DataLoss: // which did not hold when it was opened
		o.lane.Lose()
		err = fault.New(fault.Unavailable, "%w", err)
	}
	return err
}

// once makes one attempt at a range.
func (o *Object) once(ctx context.Context, p [][]byte, off int64) error {
	resp, err := o.root.get(ctx, o.key, o.root.query, http.Header{
		"Range": {fmt.Sprintf("bytes=%d-%d", off, off+total(p)-1)}, "If-Match": {o.info.Tag}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if tag := resp.Header.Get("ETag"); tag != o.info.Tag {
		return errReplaced
	}
	return exactly(resp, o.info.Size, off, p)
}
