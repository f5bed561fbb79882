package flight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/certificates"
	"github.com/mtflight/mtflight/flight/internal/login"
	"github.com/mtflight/mtflight/flight/internal/rules"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// Security says how a Server is reached by grpc+tls, who may log in, and who may read what: docs/security.md. Members are paths of
// files, but for those of OIDC; empty ones are not used. Without any way to log in everybody is a stranger, who may read what the
// rules give to everybody, or without rules everything.
type Security struct {
	TLSCert, TLSKey string // PEM, for grpc+tls
	TLSClientCA     string // PEM: certificates of authorities, by whose clients log in, and their revocation lists
	AuthTokens      string // of tokens' hashes
	AuthUsers       string // of passwords' hashes
	TokenKey        string // of the keys that sign what a login by password gives; default: one of this server's own
	OIDCIssuer      string // OpenID Connect
	OIDCAudience    string
	Rules           string // YAML
}

// files are those that reload reads.
func (s Security) files() []string {
	all := []string{s.TLSCert, s.TLSKey, s.TLSClientCA, s.AuthTokens, s.AuthUsers, s.TokenKey, s.Rules}
	return slices.DeleteFunc(all, func(path string) bool { return path == "" })
}

// access is what the files of a Security said when they were read last.
type access struct {
	set   *certificates.Set // nil: no TLS
	ways  *login.Ways
	rules *rules.Rules // nil: none
}

// guard lets calls in. Safe for concurrent use.
type guard struct {
	config Security
	roots  func() []string
	now    atomic.Pointer[access]
}

func newGuard(config Security, roots func() []string) (*guard, error) {
	g := &guard{config: config, roots: roots}
	return g, g.reload()
}

// reload reads the files again; where one is not well what was read before stays.
func (g *guard) reload() (err error) {
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
	config := login.Config{Tokens: c.AuthTokens, Users: c.AuthUsers, TokenKey: c.TokenKey, Issuer: c.OIDCIssuer, Audience: c.OIDCAudience}
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

// rules are those of now.
func (g *guard) rules() catalog.Rules { return g.now.Load().rules }

// tls is for the connections to come, nil without a certificate.
func (g *guard) tls() *tls.Config {
	if g.config.TLSCert == "" {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return g.now.Load().set.Config(), nil }}
}

// https is tls for web clients.
func (g *guard) https() *tls.Config {
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

// identify tells who a call is from.
func (g *guard) identify(ctx context.Context) (identity.Identity, error) {
	s := proofs{bearers: metadata.ValueFromIncomingContext(ctx, authorization)}
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

const authorization = "authorization"

// admit gives the context of a call with who it is from. Health is open to all, and Handshake is how to log in.
func (s *Server) admit(ctx context.Context, method string) (context.Context, error) {
	if open(method) {
		return ctx, nil
	}
	i, err := s.guard.identify(ctx)
	return identity.With(bufpool.For(ctx, ownerIn(ctx, i.Name)), i), err
}

// ownerIn is with whom a call takes turns where memory is short: an identity, on however many connections, or a connection.
func ownerIn(ctx context.Context, name string) any {
	if name != "" {
		return name
	}
	return wire.LedgerOf(ctx)
}

func open(method string) bool {
	return method == "/arrow.flight.protocol.FlightService/Handshake" || strings.HasPrefix(method, "/grpc.health.")
}

// Handshake logs in by a name and password in the header authorization (Basic), and gives a bearer in the answer's.
func (s *Server) Handshake(stream arrowflight.FlightService_HandshakeServer) error {
	now := s.guard.now.Load()
	if !now.ways.TakesPasswords() {
		return fault.New(fault.Unsupported, "Handshake: there are no passwords here")
	}
	ctx := stream.Context()
	header := append(metadata.ValueFromIncomingContext(ctx, authorization), "")[0]
	bearer, i, err := now.ways.Password(ctx, header, hostOf(ctx))
	if err != nil {
		return err
	}
	callOf(ctx).who = i
	return stream.SetHeader(metadata.Pairs(authorization, "Bearer "+bearer))
}

// hostOf is where a call comes from; the zero address is a Unix socket.
func hostOf(ctx context.Context) netip.Addr {
	if p, ok := peer.FromContext(ctx); ok {
		if tcp, ok := p.Addr.(*net.TCPAddr); ok {
			return tcp.AddrPort().Addr()
		}
	}
	return netip.Addr{}
}

// NewToken makes a token of 256 random bits, and the line of a file (Security.AuthTokens) that stands for it.
func NewToken(name string) (token, line string, err error) { return login.NewToken(name) }

// HashPassword makes the line of a file (Security.AuthUsers) for a user.
func HashPassword(name, password string) (line string, err error) {
	return login.HashPassword(name, password)
}
