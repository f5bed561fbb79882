// Package guard lets calls in: it tells who one is from, by what the files of a Config say, which it reads again when it is told to.
// Guard is all there is to know. Nothing is returned that is owned.
package guard

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/certificates"
	"github.com/mtflight/mtflight/flight/internal/login"
	"github.com/mtflight/mtflight/flight/internal/rules"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// Authorization is the header that a bearer or password comes in.
const Authorization = "authorization"

// Config is flight.Security, which says what its members are.
type Config struct {
	TLSCert, TLSKey, TLSClientCA    string
	AuthTokens, AuthUsers, TokenKey string
	OIDCIssuer, OIDCAudience, Rules string
}

// Files are those that Reload reads.
func (s Config) Files() []string {
	all := []string{s.TLSCert, s.TLSKey, s.TLSClientCA, s.AuthTokens, s.AuthUsers, s.TokenKey, s.Rules}
	return slices.DeleteFunc(all, func(path string) bool { return path == "" })
}

// access is what the files of a Security said when they were read last.
type access struct {
	set   *certificates.Set // nil: no TLS
	ways  *login.Ways
	rules *rules.Rules // nil: none
}

// Guard lets calls in. Safe for concurrent use.
type Guard struct {
	config Config
	roots  func() []string
	log    *zap.Logger
	now    atomic.Pointer[access]
}

// New reads what the configuration names; roots tells the names of the roots.
func New(config Config, roots func() []string, log *zap.Logger) (*Guard, error) {
	g := &Guard{config: config, roots: roots, log: log}
	return g, g.Reload()
}

// Reload reads the files again; where one is not well what was read before stays.
func (g *Guard) Reload() (err error) {
	c, next, former := g.config, &access{}, g.now.Load()
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fault.New(fault.Invalid, "--tls-cert and --tls-key go together")
	}
	if c.TLSClientCA != "" && c.TLSCert == "" {
		return fault.New(fault.Invalid, "--tls-client-ca needs --tls-cert and --tls-key")
	}
	if c.TLSCert != "" {
		if next.set, err = certificates.Load(certificates.Files{Cert: c.TLSCert, Key: c.TLSKey, ClientCA: c.TLSClientCA}); err != nil {
			return err
		}
	}
	var ways *login.Ways
	if former != nil {
		ways = former.ways
	}
	config := login.Config{Tokens: c.AuthTokens, Users: c.AuthUsers, TokenKey: c.TokenKey, Issuer: c.OIDCIssuer, Audience: c.OIDCAudience, Log: g.log}
	if next.ways, err = login.Open(context.Background(), config, ways); err != nil {
		return err
	}
	if c.Rules != "" {
		if next.rules, err = rules.Load(c.Rules, g.roots()); err != nil {
			return err
		}
	}
	g.now.Store(next)
	return nil
}

// asks tells whether calls need a login.
func (a *access) asks() bool { return a.ways.Any() || a.set.AsksClients() }

// Rules are those of now.
func (g *Guard) Rules() catalog.Rules { return g.now.Load().rules }

// TLS is for the connections to come, nil without a certificate.
func (g *Guard) TLS() *tls.Config {
	if g.config.TLSCert == "" {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return g.now.Load().set.Config(), nil }}
}

// HTTPS is TLS for web clients.
func (g *Guard) HTTPS() *tls.Config {
	protocols := []string{"h2", "http/1.1"}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := g.now.Load().set.Config().Clone()
		c.NextProtos = protocols
		return c, nil
	}}
}

// proofs are what somebody logs in by.
type proofs struct {
	bearers []string            // headers authorization
	chain   []*x509.Certificate // of the connection, whose key the client has proved to have
}

func (s proofs) basic() bool {
	return len(s.bearers) == 1 && len(s.bearers[0]) > 6 && strings.EqualFold(s.bearers[0][:6], "Basic ")
}

// Identify tells who a call is from.
func (g *Guard) Identify(ctx context.Context) (identity.Identity, error) {
	s := proofs{bearers: metadata.ValueFromIncomingContext(ctx, Authorization)}
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			s.chain = info.State.PeerCertificates
		}
	}
	return g.now.Load().identify(ctx, s)
}

// identify tells who somebody is, by a bearer, else by a certificate. Errors: fault.Unauthenticated.
func (a *access) identify(ctx context.Context, s proofs) (i identity.Identity, err error) {
	switch {
	case !a.asks():
		return i, nil
	case len(s.bearers) == 1:
		return a.ways.Bearer(ctx, s.bearers[0])
	case len(s.bearers) > 1:
		return i, fault.New(fault.Unauthenticated, "the header authorization is there %d times: send it once", len(s.bearers))
	case a.set.AsksClients() && len(s.chain) > 0:
		name, err := a.set.Identify(s.chain)
		if strings.HasPrefix(name, login.Foreign) {
			return i, fault.New(fault.Unauthenticated, "the client's certificate is not accepted: names that begin with %s are the provider's", login.Foreign)
		}
		return identity.Identity{Name: name, How: "certificate"}, err
	}
	return i, fault.New(fault.Unauthenticated, "log in first: by %s", a.ways.Known(a.set.AsksClients()))
}

// Asks tells whether calls need a login.
func (g *Guard) Asks() bool { return g.now.Load().asks() }

// HasOperators tells whether the rules name any.
func (g *Guard) HasOperators() bool { return g.now.Load().rules.HasOperators() }

// TakesPasswords tells whether one logs in by a name and password.
func (g *Guard) TakesPasswords() bool { return g.now.Load().ways.TakesPasswords() }

// Password logs in by a header of the scheme Basic, from an address, and gives a bearer. Errors: fault.Unauthenticated.
func (g *Guard) Password(ctx context.Context, header string, from netip.Addr) (bearer string, i identity.Identity, err error) {
	return g.now.Load().ways.Password(ctx, header, from)
}

// Operator tells who sends a request, whom the rules name an operator. Errors: fault.Unauthenticated, fault.Denied, those of logins.
func (g *Guard) Operator(r *http.Request) (i identity.Identity, err error) {
	now, s := g.now.Load(), proofsOf(r)
	if now.ways.TakesPasswords() && s.basic() {
		from, _ := netip.ParseAddrPort(r.RemoteAddr)
		_, i, err = now.ways.Password(r.Context(), s.bearers[0], from.Addr())
	} else {
		i, err = now.identify(r.Context(), s)
	}
	if err == nil && !now.rules.Operates(i) {
		err = fault.New(fault.Denied, "%s is no operator of this server", cmp.Or(i.Name, "a stranger"))
	}
	return i, err
}

func proofsOf(r *http.Request) proofs {
	s := proofs{bearers: r.Header.Values(Authorization)}
	if r.TLS != nil {
		s.chain = r.TLS.PeerCertificates
	}
	return s
}
