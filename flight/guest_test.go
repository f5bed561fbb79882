package flight

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/internal/certtest"
)

// guest is somebody who asks a castle by Flight and by HTTP.
type guest struct {
	arrowflight.Client
	web                 *http.Client
	site, authorization string
}

// guest logs in as castle.client does.
func (c *castle) guest(pair *certtest.Pair, authorization string) guest {
	config := &tls.Config{RootCAs: c.authority.Pool()}
	if pair != nil {
		config.Certificates = []tls.Certificate{pair.TLS()}
	}
	g := guest{c.client(pair, authorization), &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, c.server.Site(context.Background()), authorization}
	c.t.Cleanup(g.web.CloseIdleConnections)
	return g
}

// fetch gives the body of an answer, or an error with the code that the answer says.
func (g guest) fetch(path string, headers ...string) (string, error) {
	r, err := http.NewRequest("GET", g.site+path, nil)
	if err != nil {
		return "", err
	}
	if g.authorization != "" {
		r.Header.Set("Authorization", g.authorization)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := g.web.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode < 400 {
		return string(body), err
	}
	return "", problemOf(body)
}

func problemOf(body []byte) error {
	var told struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if code.String() == told.Error.Code {
			return status.Error(code, told.Error.Message)
		}
	}
	return fmt.Errorf("no code: %s", body)
}

// byHTTP asks about a dataset at a path below /v1.
func byHTTP(path, format string) func(guest, string, string) (string, error) {
	member := "dataset"
	if path == "attributes" {
		member = "object"
	}
	return func(g guest, file, dataset string) (string, error) {
		told, err := g.fetch("/v1/" + path + "?" + url.Values{"file": {file}, member: {dataset}}.Encode() + "&" + format)
		if path == "data" {
			told = "" // rows
		}
		return told, err
	}
}

// listedByHTTP are the files of /v1/list.
func (g guest) listedByHTTP(t *testing.T) map[string]bool {
	t.Helper()
	body, err := g.fetch("/v1/list")
	require.NoError(t, err)
	var entries []struct{ File string }
	require.NoError(t, json.Unmarshal([]byte(body), &entries))
	files := map[string]bool{}
	for _, e := range entries {
		files[e.File] = true
	}
	return files
}
