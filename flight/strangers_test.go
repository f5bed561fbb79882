package flight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// TestDeniedRootsAreAbsent: a root of which somebody may read nothing is told of in the words for a root that is not there, be it
// a folder or a file, and is no hint for other names.
func TestDeniedRootsAreAbsent(t *testing.T) {
	dir := t.TempDir()
	content, err := os.ReadFile("../testdata/tables.h5")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "runs2"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "runs1"), 0o700))
	for _, name := range []string{"public.h5", "secret.h5", "runs1/x.h5", "runs2/x.h5"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n- {for: [bob], files: [public.h5]}\n- {for: [carol], root: runs1, files: ['x*']}\n"), 0o600))
	c := newCastle(t, func(config *Config) {
		config.Roots = []string{filepath.Join(dir, "public.h5"), filepath.Join(dir, "secret.h5"), filepath.Join(dir, "runs1"), filepath.Join(dir, "runs2")}
		config.Security.Rules = rules
	}, "bob", "carol")
	bob, carol := c.client(nil, "Bearer "+c.tokens["bob"]), c.client(nil, "Bearer "+c.tokens["carol"])
	require.NoError(t, ask(bob, "public.h5"))
	require.NoError(t, ask(carol, "runs1/x.h5"))
	for denied, absent := range map[string]string{"secret.h5": "secrez.h5", "secret.h5/": "secrez.h5/", "runs2": "runs3", "runs2/x.h5": "runs3/x.h5", "runs2/no.h5": "runs3/no.h5"} {
		who := bob
		if strings.HasPrefix(denied, "runs") {
			who = carol
		}
		told, expected := ask(who, denied), ask(who, absent)
		require.Equal(t, codes.NotFound, status.Code(told))
		words := func(err error) string {
			text, _, _ := strings.Cut(err.Error(), "(request")
			return strings.NewReplacer(denied, "NAME", absent, "NAME").Replace(text)
		}
		require.Equal(t, words(expected), words(told), denied)
		require.NotContains(t, words(expected), "secret")
	}
}

// TestTwoAuthorizations: of two logins in one call none is chosen.
func TestTwoAuthorizations(t *testing.T) {
	c := newCastle(t, nil, "bob")
	ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+c.tokens["bob"])
	_, err := c.client(nil, "Bearer "+c.tokens["ann"]).GetSchema(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"tables.h5", "/events"}})
	require.Equal(t, codes.Unauthenticated, status.Code(err))
	require.ErrorContains(t, err, "once")
}

// TestCertificatesAreNoForeignIdentity: a certificate cannot name who comes from the provider.
func TestCertificatesAreNoForeignIdentity(t *testing.T) {
	c := newCastle(t, nil)
	pair := c.authority.Issue(func(x *x509.Certificate) { x.URIs = []*url.URL{{Scheme: "oidc", Opaque: "7f3a"}} })
	err := ask(c.client(&pair, ""), "tables.h5")
	require.Equal(t, codes.Unauthenticated, status.Code(err))
	require.ErrorContains(t, err, "oidc:")
}

// TestStrangersAreNotRead: who has not logged in is refused before the message comes, of every method.
func TestStrangersAreNotRead(t *testing.T) {
	c := newCastle(t, nil)
	conn, err := grpc.NewClient(c.server.Addrs(context.Background())[0].String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: c.authority.Pool()})))
	require.NoError(t, err)
	defer conn.Close()
	methods := c.server.grpc.GetServiceInfo()["arrow.flight.protocol.FlightService"].Methods
	require.Len(t, methods, 10)
	for _, m := range methods {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/arrow.flight.protocol.FlightService/"+m.Name)
		require.NoError(t, err)
		if m.Name != "Handshake" {
			require.Equal(t, codes.Unauthenticated, status.Code(stream.RecvMsg(new(arrowflight.FlightInfo))), m.Name)
		}
		cancel()
	}
}
