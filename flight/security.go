package flight

import (
	"context"
	"net"
	"net/netip"
	"strings"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/mtflight/mtflight/flight/internal/guard"
	"github.com/mtflight/mtflight/flight/internal/login"
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

const authorization = guard.Authorization

// admit gives the context of a call with who it is from. Health is open to all, and Handshake is how to log in.
func (s *Server) admit(ctx context.Context, method string) (context.Context, error) {
	if open(method) {
		return ctx, nil
	}
	i, err := s.guard.Identify(ctx)
	wire.LedgerOf(ctx).Known(i.Name)
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
	if !s.guard.TakesPasswords() {
		return fault.New(fault.Unsupported, "Handshake: there are no passwords here")
	}
	ctx := stream.Context()
	header := append(metadata.ValueFromIncomingContext(ctx, authorization), "")[0]
	bearer, i, err := s.guard.Password(ctx, header, hostOf(ctx))
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
