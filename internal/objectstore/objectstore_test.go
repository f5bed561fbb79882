package objectstore_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/objectstore/storetest"
)

func TestMain(m *testing.M) {
	objectstore.FirstRest = time.Millisecond
	goleak.VerifyTestMain(m)
}

// drawn is bytes that tell where they are.
func drawn(n int) []byte {
	b, r := make([]byte, n), rand.NewChaCha8([32]byte{7})
	_, _ = r.Read(b)
	return b
}

func opened(t *testing.T, s *storetest.Server, b *objectstore.Blocks) *objectstore.Object {
	t.Helper()
	r, err := objectstore.Parse(s.Root("a/x.h5"))
	require.NoError(t, err)
	o, err := r.Open(t.Context(), disks.New(disks.Config{Limit: time.Minute}), b, r.Place())
	require.NoError(t, err)
	return o
}

func TestReadsRanges(t *testing.T) {
	s, data := storetest.New(t), drawn(3<<20+17)
	s.Put("a/x.h5", data)
	m := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Minute), Pool: bufpool.NewPool(64 << 20)}
	blocks := objectstore.NewBlocks(m, 1<<20, nil)
	o := opened(t, s, blocks)
	require.EqualValues(t, len(data), o.Info().Size)
	for range 50 {
		off := rand.IntN(len(data))
		p := make([]byte, rand.IntN(min(len(data)-off, 300<<10)))
		require.NoError(t, o.Read(t.Context(), p, int64(off)))
		require.Equal(t, data[off:off+len(p)], p)
		clear(p)
		n, err := o.ReadAt(t.Context(), p, int64(off))
		require.NoError(t, err)
		require.Equal(t, data[off:off+len(p)], p[:n])
	}
	require.LessOrEqual(t, blocks.Held(), int64(1<<20))
	require.ErrorIs(t, o.Read(t.Context(), make([]byte, 2), int64(len(data)-1)), fault.DataLoss)
	o.Forget()
	require.Zero(t, blocks.Held())
	blocks.Close()
	require.Zero(t, m.Budget.Used())
}

func TestBlocksAreAskedForOnce(t *testing.T) {
	s := storetest.New(t)
	s.Put("a/x.h5", drawn(1<<20))
	m := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Minute), Pool: bufpool.NewPool(64 << 20)}
	o := opened(t, s, objectstore.NewBlocks(m, 8<<20, nil))
	for off := int64(0); off < 1<<20; off += 4 << 10 {
		_, err := o.ReadAt(t.Context(), make([]byte, 4<<10), off)
		require.NoError(t, err)
	}
	require.EqualValues(t, 2, s.Requests.Load(), "the first block, and what follows in one")
}

// TestFaults: each read is right, or an error of a kind that tells what to do; what passes is asked again.
func TestFaults(t *testing.T) {
	data := drawn(100_000)
	for f := storetest.SlowDown; f < storetest.Faults; f++ {
		for _, lasting := range []bool{false, true} {
			s := storetest.New(t)
			s.Put("a/x.h5", data)
			o := opened(t, s, nil)
			var once atomic.Bool
			s.Fail(func(*http.Request) storetest.Fault {
				if once.Swap(true) && !lasting {
					return storetest.None
				}
				return f
			})
			ctx := t.Context()
			if f == storetest.Hang {
				var cancel func()
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
			}
			p := make([]byte, 20_000)
			err := o.Read(ctx, p, 500)
			switch {
			case f == storetest.Hang:
				require.ErrorIs(t, err, context.DeadlineExceeded)
			case f == storetest.Packed: // which does not follow from a range
			case f == storetest.Untagged || f == storetest.Weak || f == storetest.Retagged:
				require.ErrorIs(t, err, fault.Changed, f)
				require.True(t, o.Changed())
			case lasting || f == storetest.Wrong || f == storetest.Elsewhere || f == storetest.Inward:
				require.ErrorIs(t, err, fault.Unavailable, f)
				for _, secret := range []string{"secret", "AKIA", "http", "127.0.0.1"} {
					require.NotContains(t, err.Error(), secret)
				}
			default:
				require.NoError(t, err, f)
			}
			if err == nil {
				require.Equal(t, data[500:20_500], p, f)
			}
			s.Fail(nil)
		}
	}
}

func TestFaultsOfOpening(t *testing.T) {
	s := storetest.New(t)
	s.Put("a/x.h5", drawn(1000))
	s.Put("a/empty.h5", nil)
	open := func(key string) error {
		r, err := objectstore.Parse(s.Root(key))
		require.NoError(t, err)
		_, err = r.Open(t.Context(), nil, nil, r.Place())
		return err
	}
	require.NoError(t, open("a/x.h5"))
	require.ErrorIs(t, open("a/none.h5"), fs.ErrNotExist)
	require.ErrorIs(t, open("a/empty.h5"), fault.DataLoss)
	for f, kind := range map[storetest.Fault]error{storetest.Wrong: fault.Denied, storetest.Elsewhere: fault.Denied, storetest.Whole: fault.Unsupported, storetest.Untagged: fault.Unsupported,
		storetest.Weak: fault.Unsupported, storetest.Packed: fault.Unsupported, storetest.SlowDown: fault.Unavailable, storetest.Cut: fault.Unavailable, storetest.Shifted: fault.Unavailable} {
		s.Fail(func(*http.Request) storetest.Fault { return f })
		require.ErrorIs(t, open("a/x.h5"), kind, f)
	}
}

// TestCodes: what S3 answers with a status of 400 tells itself by its code.
func TestCodes(t *testing.T) {
	var asked atomic.Int64
	code := "ExpiredToken"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", code)
	}))
	defer s.Close()
	r, err := objectstore.Parse("s3://data/x.h5?anonymous=true&endpoint=" + s.URL)
	require.NoError(t, err)
	_, err = r.Open(t.Context(), nil, nil, r.Place())
	require.ErrorIs(t, err, fault.Denied)
	require.ErrorContains(t, err, "check the credentials")
	require.EqualValues(t, 1, asked.Load())
	code = "RequestTimeout"
	_, err = r.Open(t.Context(), nil, nil, r.Place())
	require.ErrorIs(t, err, fault.Unavailable)
	require.EqualValues(t, 7, asked.Load(), "asked again")
}

func TestReplacedIsNeverMixed(t *testing.T) {
	s := storetest.New(t)
	s.Put("a/x.h5", drawn(1000))
	for name, become := range map[string]func(){"replaced": func() { s.Put("a/x.h5", make([]byte, 1000)) }, "deleted": func() { s.Delete("a/x.h5") }} {
		s.Put("a/x.h5", drawn(1000))
		o := opened(t, s, nil)
		require.NoError(t, o.Read(t.Context(), make([]byte, 10), 0))
		become()
		require.ErrorIs(t, o.Read(t.Context(), make([]byte, 10), 10), fault.Changed, name)
		require.True(t, o.Changed(), name)
	}
}

func TestNeverHung(t *testing.T) {
	s := storetest.New(t)
	s.Put("a/x.h5", drawn(1000))
	o := opened(t, s, nil)
	r, err := objectstore.Parse(s.Root("a/x.h5"))
	require.NoError(t, err)
	d := disks.New(disks.Config{Limit: 20 * time.Millisecond})
	s.Fail(func(*http.Request) storetest.Fault { return storetest.Hang })
	_, err = r.Open(t.Context(), d, nil, r.Place())
	require.ErrorIs(t, err, fault.Unavailable)
	require.ErrorContains(t, err, "has not answered for 20ms")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, o.Read(ctx, make([]byte, 10), 0), context.Canceled)
	d.End()
	_, err = r.Open(t.Context(), d, nil, r.Place())
	require.ErrorIs(t, err, fault.Unavailable)
}

func TestList(t *testing.T) {
	s := storetest.New(t)
	for _, key := range []string{"a/1.h5", "a/2.h5", "a/b/3 +ä.h5", "a/b//4.h5", "a/b/../5.h5", "a/c/", "ab.h5", "a/d.h5"} {
		s.Put(key, []byte("x"))
	}
	r, err := objectstore.Parse(s.Root("a"))
	require.NoError(t, err)
	list := func(begin string) (names []string) {
		require.NoError(t, r.List(t.Context(), nil, begin, func(place string, size int64) error {
			require.True(t, r.Holds(place))
			require.EqualValues(t, 1, size)
			names = append(names, strings.TrimPrefix(place, r.Place()))
			return nil
		}))
		return names
	}
	require.Equal(t, []string{"/1.h5", "/2.h5", "/b/3 +ä.h5", "/d.h5"}, list(""))
	require.Equal(t, []string{"/b/3 +ä.h5"}, list("b/"))
	_, err = r.Open(t.Context(), nil, nil, r.Place()+"/b/3 +ä.h5")
	require.NoError(t, err)
	for _, place := range []string{"", "/etc/passwd", r.Place(), r.Place() + "/../ab.h5", r.Place() + "b.h5", r.Place() + "//1.h5", r.Place() + "/\x00"} {
		require.Equal(t, place == r.Place(), r.Holds(place), place)
	}
	one, err := r.Check(t.Context(), nil)
	require.NoError(t, err)
	require.False(t, one)
}

func TestParse(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "")
	for text, want := range map[string]string{
		"s3://data/a/b.h5": "/s3:/data.s3.us-east-1.amazonaws.com/data/a/b.h5", "s3://data": "/s3:/data.s3.us-east-1.amazonaws.com/data",
		"s3://data/?region=eu-west-1":                          "/s3:/data.s3.eu-west-1.amazonaws.com/data",
		"s3://my.data/a%20b":                                   "/s3:/s3.us-east-1.amazonaws.com/my.data/a b",
		"s3://data/a?endpoint=http://h:9&path_style=false":     "/s3:/data.h:9/data/a",
		"https://host/dir/x.h5?X-Amz-Signature=secret&expires": "/https:/host/dir/x.h5",
	} {
		r, err := objectstore.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, r.Place())
		require.NotContains(t, r.Name(), "secret")
	}
	for _, text := range []string{"s3://", "s3://Data", "s3://..", "s3://data/../x", "s3://data/a//b", "s3://data/a#b", "s3://user:hunter2@data", "s3://data?regio=x", "s3://data?path_style=maybe",
		"s3://data?region=a/b", "s3://data?endpoint=ftp://x", "s3://data?endpoint=http://x/path", "https://host", "https://host/dir/", "https://u:p@host/x.h5", "s3://data/%zz", "s3://data/a%00b"} {
		_, err := objectstore.Parse(text)
		require.ErrorIs(t, err, fault.Invalid, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestShown(t *testing.T) {
	for text, want := range map[string]string{"/data/a=b?c": "/data/a=b?c", "s3://b/x?endpoint=y": "s3://b/x", "runs=https://h/x.h5?sig=a=b": "runs=https://h/x.h5", "https://h/x?a=b": "https://h/x", "a=b": "a=b"} {
		require.Equal(t, want, objectstore.Shown(text))
	}
}

func TestHTTP(t *testing.T) {
	s, data := storetest.New(t), drawn(1000)
	s.Put("x.h5", data)
	r, err := objectstore.Parse(s.URL + "/data/x.h5?token=secret")
	require.NoError(t, err)
	o, err := r.Open(t.Context(), nil, nil, r.Place())
	require.NoError(t, err)
	p := make([]byte, 100)
	require.NoError(t, o.Read(t.Context(), p, 10))
	require.Equal(t, data[10:110], p)
	require.False(t, r.Holds(r.Place()+"/other.h5"))
	require.False(t, r.Listed())
}

func TestLinkLocalIsNotAsked(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "[fe80::1]:80", "[fd00:ec2::254]", "[::ffff:169.254.169.254]:80", "0.0.0.0:1"} {
		r, err := objectstore.Parse("http://" + host + "/x.h5")
		require.NoError(t, err)
		_, err = r.Open(t.Context(), nil, nil, r.Place())
		require.ErrorIs(t, err, fault.Denied, host)
	}
}

// TestSigned: the secret signs and does not travel.
func TestSigned(t *testing.T) {
	s := storetest.New(t)
	s.Put("x.h5", drawn(10))
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
	t.Setenv("AWS_ENDPOINT_URL", s.URL)
	r, err := objectstore.Parse("s3://data/x.h5?requester_pays=true")
	require.NoError(t, err)
	_, err = r.Open(t.Context(), nil, nil, r.Place())
	require.NoError(t, err)
	sent, _ := s.Headers.Load("Authorization")
	require.Contains(t, sent, "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
	require.Contains(t, sent, "range")
	s.Headers.Range(func(_, v any) bool { require.NotContains(t, v, "topsecret"); return true })
	payer, _ := s.Headers.Load("X-Amz-Request-Payer")
	require.Equal(t, "requester", payer)
}

func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	r, err := objectstore.Parse("s3://data/x.h5?endpoint=http://127.0.0.1:1")
	require.NoError(t, err)
	_, err = r.Open(t.Context(), nil, nil, r.Place())
	require.ErrorIs(t, err, fault.Denied)
	require.ErrorContains(t, err, "AWS_ACCESS_KEY_ID")
}
