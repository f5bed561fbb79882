package objectstore

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzListing: whatever a store lists, a key that is taken is one that a path can stand for, below the root.
func FuzzListing(f *testing.F) {
	for _, seed := range []string{
		"", "<ListBucketResult/>", "<ListBucketResult><Contents><Key>a/x.h5</Key><Size>3</Size></Contents><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a/../../etc/passwd</Key><Size>-1</Size></Contents></ListBucketResult>", "<a><b>", "<ListBucketResult><Contents><Key>a/&#0;</Key></Contents></ListBucketResult>",
		`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>`,
		"<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>", strings.Repeat("<a>", 20_000),
	} {
		f.Add([]byte(seed))
	}
	root, err := Parse("s3://data/a?anonymous=true")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePage(text)
		if err != nil && len(p.Contents) > 0 || len(p.Contents) > perPage {
			t.Fatal(len(p.Contents), err)
		}
		for _, c := range p.Contents {
			place := root.home() + c.Key
			if key, ok := root.key(place); ok && (key != c.Key || strings.Contains("/"+key+"/", "/../") || !strings.HasPrefix(key+"/", "a/")) {
				t.Fatalf("%q is taken", c.Key)
			}
		}
	})
}

// FuzzDescribed: what is taken from an answer's headers has a size and a tag that a range can be compared with.
func FuzzDescribed(f *testing.F) {
	for _, seed := range [][2]string{{"bytes 0-9/10", `"x"`}, {"bytes */10", `W/"x"`}, {"bytes 0-0/999999999999999999", `""`}, {"bytes 0-0/9999999999999999999", `"a b"`}, {"bytes -1-0/1", `"x`},
		{"bytes 0-9/10\n", "x"}, {"bytes 0-9/*", `"x""`}, {"Bytes 0-9/10", "\"\x00\""}} {
		f.Add(http.StatusPartialContent, seed[0], seed[1], "", "")
	}
	f.Add(http.StatusOK, "bytes 0-9/10", `"x"`, "gzip", "Sun, 09 Sep 2001 01:46:40 GMT")
	f.Fuzz(func(t *testing.T, status int, ranged, tag, encoding, modified string) {
		info, err := described(&http.Response{StatusCode: status, Header: http.Header{"Content-Range": {ranged}, "Etag": {tag}, "Content-Encoding": {encoding}, "Last-Modified": {modified}}})
		if err != nil {
			return
		}
		if status != http.StatusPartialContent || info.Size < 0 || info.Size >= 1e18 || info.Tag != tag || len(tag) < 3 || tag[0] != '"' || strings.ContainsAny(tag[1:len(tag)-1], "\" \r\n\x00") {
			t.Fatalf("%+v of %q, %q", info, ranged, tag)
		}
	})
}
