package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/settings"
	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/secret"
	"github.com/mtflight/mtflight/reader"
)

// remote asks a server.
type remote struct {
	client *client.Client
}

var dialTimeout = 5 * time.Second

func dial(ctx context.Context, location string, f remoteFlags) (*remote, error) {
	options, err := f.options()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := client.Open(ctx, location, options...)
	if err != nil {
		return nil, err
	}
	return &remote{client: c}, nil
}

func (r *remote) close() error { return r.client.Close() }

func (r *remote) describe(ctx context.Context, file, dataset string) (json.RawMessage, error) {
	return r.client.Describe(ctx, file, dataset)
}

func (r *remote) attributes(ctx context.Context, file, object string, names []string) (json.RawMessage, error) {
	return r.client.Attributes(ctx, file, object, names...)
}

func (r *remote) explain(ctx context.Context, request reader.Request) (json.RawMessage, error) {
	return r.client.Explain(ctx, request)
}

func (r *remote) stats(ctx context.Context, of survey, visit func(json.RawMessage) error) error {
	return r.client.Stats(ctx, of.file, of.dataset, of.fields, of.chunks, visit)
}

func (r *remote) list(ctx context.Context, what listing, visit func(listed) error) error {
	var types map[[2]string]*arrow.Schema
	if !what.whole {
		types = map[[2]string]*arrow.Schema{}
		err := r.client.List(ctx, client.Criteria{File: what.file, Columns: what.tables}, func(d client.Dataset) error {
			types[[2]string{d.File, d.Name}] = d.Schema
			return nil
		})
		if err != nil {
			return err
		}
	}
	found := false
	err := r.client.Trees(ctx, client.Criteria{File: what.file, Columns: what.tables}, func(t client.FileTree) error {
		found = true
		if err := t.Err(); err != nil {
			if t.File == what.file {
				return err // of the one file that was asked for
			}
			return visit(listed{File: t.File, Error: t.Reason})
		}
		for i := range t.Datasets {
			d := &t.Datasets[i]
			if err := visit(listed{File: t.File, Info: d, columns: columnsOf(types[[2]string{t.File, d.Path}])}); err != nil {
				return err
			}
		}
		return what.frames.list(t.File, t.Groups, func(path string) (listed, error) { return r.frame(ctx, t.File, path) }, visit)
	})
	if err == nil && what.file != "" && !found {
		return noServed(what.file)
	}
	return err
}

func noServed(file string) error {
	return fault.New(fault.NotFound, "no file named %s on the server: `mtflight ls` without it lists all", file)
}

// frame is what a server describes of a frame.
func (r *remote) frame(ctx context.Context, file, path string) (listed, error) {
	text, err := r.client.Describe(ctx, file, path)
	if err != nil {
		return listed{}, err
	}
	var told struct {
		reader.Info
		Schema []column `json:"schema"`
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return listed{}, fault.New(fault.DataLoss, "%s %s: what the server says of it: %w", file, path, err)
	}
	return listed{Info: &told.Info, columns: told.Schema}, nil
}

func (r *remote) tree(ctx context.Context, file string) (tree *reader.Tree, err error) {
	err = r.client.Trees(ctx, client.Criteria{File: literal(file)}, func(t client.FileTree) error {
		tree = &t.Tree
		return t.Err()
	})
	if err == nil && tree == nil {
		return nil, noServed(file)
	}
	return tree, err
}

// literal is a glob that matches this name alone.
func literal(name string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(name)
}

func (r *remote) open(ctx context.Context, request reader.Request) (*stream, error) {
	rows, err := r.client.Scan(ctx, request)
	if err != nil {
		return nil, err
	}
	return &stream{RecordReader: rows, rows: rows.Total()}, nil
}

// remoteFlags say how to reach servers with TLS and logins.
type remoteFlags struct{ ca, cert, key, token string }

func (f *remoteFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.ca, "tls-ca", "", "PEM file of authorities that a server's certificate is to be of (default: the system's)")
	c.Flags().StringVar(&f.cert, "tls-cert", "", "PEM file of a certificate to log in by")
	c.Flags().StringVar(&f.key, "tls-key", "", "PEM file of its key")
	c.Flags().StringVar(&f.token, "token", "", "file of a token to log in by (default: the variable "+settings.Token+")")
}

// remoteOf are the flags that a command has, as they are so far.
func remoteOf(c *cobra.Command) remoteFlags {
	value := func(name string) string {
		if f := c.Flags().Lookup(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	return remoteFlags{value("tls-ca"), value("tls-cert"), value("tls-key"), value("token")}
}

// options are the client's.
func (f remoteFlags) options() ([]grpc.DialOption, error) {
	config, err := f.tls()
	if err != nil {
		return nil, err
	}
	token, err := f.bearer()
	if err != nil {
		return nil, err
	}
	return []grpc.DialOption{client.TLS(config), client.Bearer(token)}, nil
}

func (f remoteFlags) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		pem, err := secret.Trusted(f.ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "--tls-ca %s: no certificate in it", f.ca)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, fault.New(fault.Invalid, "--tls-cert and --tls-key go together")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fault.New(fault.Invalid, "--tls-cert %s: %w", f.cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (f remoteFlags) bearer() (string, error) {
	if f.token == "" {
		return strings.TrimSpace(os.Getenv(settings.Token)), nil
	}
	content, err := secret.Read(f.token)
	return strings.TrimSpace(string(content)), err
}

// transport is for a location of this machine or another.
func (f remoteFlags) transport(location string) (credentials.TransportCredentials, error) {
	if !strings.HasPrefix(location, "grpc+tls:") {
		return insecure.NewCredentials(), nil
	}
	config, err := f.tls()
	return credentials.NewTLS(config), err
}
