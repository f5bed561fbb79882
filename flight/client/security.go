package client

import (
	"context"
	"crypto/tls"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// TLS is an option of Open: how grpc+tls locations are connected to, with a certificate of the client's own if the server asks for
// one. Without it the system's authorities are asked about the server's certificate.
func TLS(config *tls.Config) grpc.DialOption { return tlsOption{config: config} }

// Bearer is an option of Open: the token to log in by. It is sent to the location that Open is given, and to those that this server
// sends the client to only by TLS or, where Open's is not by TLS either, of the same host; others of them are not asked.
func Bearer(token string) grpc.DialOption { return bearerOption{token: token} }

type tlsOption struct {
	grpc.EmptyDialOption
	config *tls.Config
}

type bearerOption struct {
	grpc.EmptyDialOption
	token string
}

// security is what these options say.
type security struct {
	tls    *tls.Config
	bearer string
	home   string // the location of Open
}

// secured takes the options of this package out of the others.
func secured(location string, options []grpc.DialOption) (s security, rest []grpc.DialOption) {
	s.home = location
	for _, o := range options {
		switch o := o.(type) {
		case tlsOption:
			s.tls = o.config
		case bearerOption:
			s.bearer = o.token
		default:
			rest = append(rest, o)
		}
	}
	return s, rest
}

// trusts tells whether the bearer may be sent to a location.
func (s security) trusts(location string) bool {
	return s.bearer == "" || location == s.home || isTLS(location) || !isTLS(s.home) && hostOf(location) == hostOf(s.home)
}

// options are those for a location, before the caller's own.
func (s security) options(location string) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if isTLS(location) {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if s.tls != nil {
			config = s.tls.Clone()
		}
		transport = credentials.NewTLS(config)
	}
	out := []grpc.DialOption{grpc.WithTransportCredentials(transport)}
	if s.bearer != "" {
		out = append(out, grpc.WithPerRPCCredentials(bearer(s.bearer)))
	}
	return out
}

func isTLS(location string) bool { return strings.HasPrefix(location, "grpc+tls:") }

// hostOf is the host of a location; that of a Unix socket is its path.
func hostOf(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return location
	}
	if slices.Contains([]string{"grpc+unix", "unix"}, u.Scheme) {
		return u.Scheme + ":" + u.Path + u.Opaque
	}
	return strings.ToLower(u.Hostname())
}

// bearer is sent with each call.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false } // security.trusts has decided
