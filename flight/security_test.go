package flight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/internal/certtest"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// castle is a server with every way to log in, and what opens it.
type castle struct {
	t         *testing.T
	dir       string
	authority *certtest.Authority
	issuer    *issuer
	security  Security
	server    *Server
	logs      *observer.ObservedLogs
	tokens    map[string]string // by name
}

const castlePassword = "correct horse"

// newCastle has tokens for names, a user of the name ann, certificates and a provider; it serves roots by TLS.
func newCastle(t *testing.T, change func(*Config), names ...string) *castle {
	t.Helper()
	c := &castle{t: t, dir: t.TempDir(), authority: certtest.New(t), issuer: newIssuer(t), tokens: map[string]string{}}
	cert, key := c.authority.Issue(nil, "localhost", "127.0.0.1").Write(c.dir)
	c.security = Security{TLSCert: cert, TLSKey: key, TLSClientCA: c.write("ca.pem", string(c.authority.PEM())),
		OIDCIssuer: c.issuer.URL, OIDCAudience: "mtflight", TokenKey: c.write("token.key", strings.Repeat("k", 40))}
	var lines []string
	for _, name := range append([]string{"ann"}, names...) {
		token, line, err := NewToken(name)
		require.NoError(t, err)
		c.tokens[name] = token
		lines = append(lines, line)
	}
	c.security.AuthTokens = c.write("tokens", strings.Join(lines, "\n"))
	user, err := HashPassword("ann", castlePassword)
	require.NoError(t, err)
	c.security.AuthUsers = c.write("users", user)
	c.serve(change)
	return c
}

func (c *castle) write(name, content string) string {
	path := filepath.Join(c.dir, name)
	require.NoError(c.t, os.WriteFile(path, []byte(content+"\n"), 0o600))
	return path
}

func (c *castle) serve(change func(*Config)) {
	engine, err := reader.NewEngine(reader.Config{Workers: 2, Memory: 128 << 20, InProcess: true})
	require.NoError(c.t, err)
	core, logs := observer.New(zap.InfoLevel)
	c.logs = logs
	config := Config{Engine: engine, Roots: []string{"../testdata"}, Listen: []string{"grpc+tls://127.0.0.1:0"}, Security: c.security, Logger: zap.New(core),
		Drain: time.Second}
	if change != nil {
		change(&config)
	}
	c.server, err = New(config)
	require.NoError(c.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.server.Serve(ctx) }()
	require.NotEmpty(c.t, c.server.Addrs(ctx))
	c.t.Cleanup(func() {
		cancel()
		require.NoError(c.t, <-done)
		require.NoError(c.t, engine.Close())
	})
}

// client connects, with a certificate if pair is not nil, and a header authorization if it is not empty.
func (c *castle) client(pair *certtest.Pair, authorization string) arrowflight.Client {
	config := &tls.Config{RootCAs: c.authority.Pool()}
	if pair != nil {
		config.Certificates = []tls.Certificate{pair.TLS()}
	}
	conn, err := grpc.NewClient(c.server.Addrs(context.Background())[0].String(), grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithPerRPCCredentials(header(authorization)), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(80<<20)))
	require.NoError(c.t, err)
	c.t.Cleanup(func() { conn.Close() })
	return arrowflight.NewClientFromConn(conn, nil)
}

// header is sent with each call.
type header string

func (h header) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if h == "" {
		return nil, nil
	}
	return map[string]string{"authorization": string(h)}, nil
}

func (header) RequireTransportSecurity() bool { return false }

// ask reads a dataset's schema.
func ask(c arrowflight.Client, file string) error {
	_, err := c.GetSchema(context.Background(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{file, "/events"}})
	return err
}

// issuer is an OpenID Connect provider.
type issuer struct {
	*httptest.Server
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p := &issuer{t: t, key: key}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL, "token_endpoint": p.URL,
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}})
	}))
	t.Cleanup(p.Close)
	return p
}

// token signs claims, after change.
func (p *issuer) token(change func(*jwt.Claims), groups ...string) string {
	return signed(p.t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: "1"}}, p.claims(change), groups)
}

func (p *issuer) claims(change func(*jwt.Claims)) jwt.Claims {
	c := jwt.Claims{Issuer: p.URL, Subject: "7f3a", Audience: jwt.Audience{"mtflight"}, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour)),
		IssuedAt: jwt.NewNumericDate(time.Now())}
	if change != nil {
		change(&c)
	}
	return c
}

func signed(t *testing.T, key jose.SigningKey, claims jwt.Claims, groups []string) string {
	signer, err := jose.NewSigner(key, nil)
	require.NoError(t, err)
	text, err := jwt.Signed(signer).Claims(claims).Claims(map[string]any{"groups": groups}).Serialize()
	require.NoError(t, err)
	return text
}

// TestEveryWayToLogIn: each suffices, and the log says who it was.
func TestEveryWayToLogIn(t *testing.T) {
	c := newCastle(t, nil)
	pair := c.authority.Issue(nil, "spiffe://lab.example/ann")
	basic, err := c.client(nil, "").AuthenticateBasicToken(context.Background(), "ann", castlePassword)
	require.NoError(t, err)
	sent, _ := metadata.FromOutgoingContext(basic)
	for who, client := range map[string]arrowflight.Client{
		"ann": c.client(nil, "Bearer "+c.tokens["ann"]), "spiffe://lab.example/ann": c.client(&pair, ""), "oidc:7f3a": c.client(nil, "bearer "+c.issuer.token(nil)),
	} {
		require.NoError(t, ask(client, "tables.h5"), who)
		last := c.logs.All()[c.logs.Len()-1].ContextMap()
		require.Equal(t, who, last["identity"])
		require.Contains(t, last["peer"], "127.0.0.1:")
	}
	require.NoError(t, ask(c.client(nil, sent.Get("authorization")[0]), "tables.h5"))
	require.Equal(t, "ann", c.logs.All()[c.logs.Len()-1].ContextMap()["identity"])
}

// TestWrongLogins: whoever may not come in learns that, and nothing of files.
func TestWrongLogins(t *testing.T) {
	c := newCastle(t, nil)
	c.authority.Revoke(c.authority.Issue(nil, "x"))
	other, revoked := certtest.New(t), c.authority.Issue(nil, "spiffe://lab.example/gone")
	c.authority.Revoke(revoked)
	c.write("ca.pem", string(c.authority.PEM()))
	require.NoError(t, c.server.Reload())
	strange, late := other.Issue(nil, "spiffe://lab.example/ann"), c.authority.Issue(func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) }, "ann")
	early, nameless := c.authority.Issue(func(x *x509.Certificate) { x.NotBefore = time.Now().Add(time.Minute) }, "ann"), c.authority.Issue(nil)
	server := c.authority.Issue(func(x *x509.Certificate) { x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, "ann")
	none := "eyJhbGciOiJub25lIn0." + strings.Split(c.issuer.token(nil), ".")[1] + "."
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	shared := jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 40))}
	stranger := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}
	for what, k := range map[string]struct {
		pair   *certtest.Pair
		header string
		why    string
	}{
		"nothing":                    {nil, "", "log in first"},
		"an unknown token":           {nil, "Bearer mtf_" + strings.Repeat("A", 43), "not accepted"},
		"no token":                   {nil, "Bearer ", "not accepted"},
		"a password":                 {nil, "Basic YW5uOmNvcnJlY3QgaG9yc2U=", "must be a bearer"},
		"a token that is too long":   {nil, "Bearer " + strings.Repeat("A", 13<<10), "too long"},
		"an expired token":           {nil, "Bearer " + c.issuer.token(func(x *jwt.Claims) { x.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Minute)) }), "expired"},
		"a token of tomorrow":        {nil, "Bearer " + c.issuer.token(func(x *jwt.Claims) { x.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Hour)) }), "not valid yet"},
		"a token for others":         {nil, "Bearer " + c.issuer.token(func(x *jwt.Claims) { x.Audience = jwt.Audience{"other"} }), "not accepted"},
		"a token of others":          {nil, "Bearer " + c.issuer.token(func(x *jwt.Claims) { x.Issuer = "https://evil.example" }), "not accepted"},
		"a token of nobody":          {nil, "Bearer " + c.issuer.token(func(x *jwt.Claims) { x.Subject = "" }), "of nobody"},
		"alg none":                   {nil, "Bearer " + none, "not accepted"},
		"a forged signature":         {nil, "Bearer " + signed(t, stranger, c.issuer.claims(nil), nil), "not accepted"},
		"a shared secret":            {nil, "Bearer " + signed(t, shared, c.issuer.claims(nil), nil), "not accepted"},
		"a session of another key":   {nil, "Bearer " + signed(t, shared, c.issuer.claims(func(x *jwt.Claims) { x.Issuer, x.Subject = "mtflight", "ann" }), nil), "not accepted"},
		"another authority":          {&strange, "", "authority is not among"},
		"an expired certificate":     {&late, "", "has expired"},
		"a certificate of tomorrow":  {&early, "", "not valid before"},
		"a revoked certificate":      {&revoked, "", "not accepted: it has been revoked"},
		"a certificate of nobody":    {&nameless, "", "names nobody"},
		"a certificate for a server": {&server, "", "not accepted"},
	} {
		for _, file := range []string{"tables.h5", "no such file"} {
			before := c.logs.Len()
			err := ask(c.client(k.pair, k.header), file)
			require.Equal(t, codes.Unauthenticated, status.Code(err), "%s: %v", what, err)
			require.ErrorContains(t, err, k.why, what)
			require.Equal(t, before+1, c.logs.Len(), "%s: one line", what)
			require.NotContains(t, err.Error(), "no such file", what)
		}
	}
}

// TestPasswords: names and passwords are refused in the same words, and after some wrong ones nobody is heard for a while.
func TestPasswords(t *testing.T) {
	c := newCastle(t, nil)
	client := c.client(nil, "")
	words := map[string]bool{}
	for _, name := range []string{"ann", "bob"} {
		_, err := client.AuthenticateBasicToken(context.Background(), name, "wrong")
		require.Equal(t, codes.Unauthenticated, status.Code(err))
		words[strings.Split(err.Error(), "(request")[0]] = true
	}
	require.Len(t, words, 1)
	for range 200 {
		_, err := client.AuthenticateBasicToken(context.Background(), "ann", "wrong")
		if status.Code(err) == codes.ResourceExhausted {
			if _, err = client.AuthenticateBasicToken(context.Background(), "ann", castlePassword); err == nil {
				continue // it took so long that one was free again
			}
			require.Equal(t, codes.ResourceExhausted, status.Code(err))
			return
		}
		require.Equal(t, codes.Unauthenticated, status.Code(err))
	}
	t.Fatal("attempts are not limited")
}

// TestWhatIsOpen: health to everybody, reflection and ListActions to who has logged in.
func TestWhatIsOpen(t *testing.T) {
	c := newCastle(t, nil)
	conn, err := grpc.NewClient(c.server.Addrs(context.Background())[0].String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: c.authority.Pool()})))
	require.NoError(t, err)
	defer conn.Close()
	_, err = grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	r, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(context.Background())
	require.NoError(t, err)
	_, err = r.Recv()
	require.Equal(t, codes.Unauthenticated, status.Code(err))
	for token, code := range map[string]codes.Code{"": codes.Unauthenticated, "Bearer " + c.tokens["ann"]: codes.OK} {
		list, err := c.client(nil, token).ListActions(context.Background(), &arrowflight.Empty{})
		require.NoError(t, err)
		_, err = list.Recv()
		require.Equal(t, code, status.Code(err))
	}
}

// TestTLSVersions: nothing older than 1.2, and no plain HTTP/2.
func TestTLSVersions(t *testing.T) {
	c := newCastle(t, nil)
	addr := c.server.Addrs(context.Background())[0].String()
	for version, fine := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: c.authority.Pool(), MinVersion: tls.VersionTLS10, MaxVersion: version, NextProtos: []string{"h2"}})
		require.Equal(t, fine, err == nil, "%x: %v", version, err)
		if fine {
			require.NoError(t, conn.Close())
		}
	}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	require.Equal(t, codes.Unavailable, status.Code(ask(arrowflight.NewClientFromConn(conn, nil), "tables.h5")))
}

// TestSecurityRefused: what is wrong with files is said when the server is made, in one line that names the file.
func TestSecurityRefused(t *testing.T) {
	c := newCastle(t, nil)
	loose := c.write("loose", "k")
	require.NoError(t, os.Chmod(loose, 0o644))
	open := c.write("open", "")
	require.NoError(t, os.Chmod(open, 0o666))
	cert, key := c.security.TLSCert, c.security.TLSKey
	old, oldKey := c.authority.Issue(func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Hour) }, "localhost").Write(t.TempDir())
	for why, s := range map[string]Security{
		"go together":                    {TLSCert: cert},
		"--oidc-audience go together":    {OIDCIssuer: "https://x.example"},
		"needs --tls-cert":               {TLSClientCA: cert},
		"nothing-there cannot be read":   {AuthTokens: filepath.Join(c.dir, "nothing-there")},
		"has the permissions 0644":       {TLSCert: cert, TLSKey: loose},
		"has the permissions 0666":       {Rules: open},
		"any PEM data in key":            {TLSCert: cert, TLSKey: c.write("k", "k")},
		"has expired":                    {TLSCert: old, TLSKey: oldKey},
		"no PEM in it":                   {TLSCert: cert, TLSKey: key, TLSClientCA: c.write("x", "x")},
		"block of PRIVATE KEY":           {TLSCert: cert, TLSKey: key, TLSClientCA: key},
		"line 1: write NAME sha256:HASH": {AuthTokens: c.write("t1", "ann abc")},
		"line 2: \"a:b\" is no name":     {AuthTokens: c.write("t2", "# tokens\na:b sha256:00")},
		"write NAME:$argon2id":           {AuthUsers: c.write("u1", "ann:secret")},
		"at most m=262144":               {AuthUsers: c.write("u2", "ann:$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")},
		"give --auth-users too":          {TokenKey: c.security.TokenKey},
		"at least 32":                    {AuthUsers: c.security.AuthUsers, TokenKey: c.write("short", "k")},
		"no key in it":                   {AuthUsers: c.security.AuthUsers, TokenKey: c.write("empty", "")},
		"did not match":                  {OIDCIssuer: c.issuer.URL + "/other", OIDCAudience: "x"},
		"field nope not found":           {Rules: c.write("r1", "nope: 1")},
		"no group \"muon\"":              {Rules: c.write("r2", "rules: [{for: [\"@muon\"], files: [\"*\"]}]")},
		"no root \"runs\"":               {Rules: c.write("r3", "rules: [{for: [ann], root: runs, files: [\"*\"]}]")},
		"member files is missing":        {Rules: c.write("r4", "rules: [{for: [ann]}]")},
		"cannot unmarshal":               {Rules: c.write("r5", "rules: 3")},
	} {
		_, err := New(Config{Engine: new(reader.Engine), Roots: []string{t.TempDir()}, Security: s})
		require.ErrorContains(t, err, why)
		require.NotNil(t, fault.Of(err), "%v", err)
		require.NotContains(t, err.Error(), "\n")
	}
	for why, k := range map[string]Config{
		"cert selfsigned":            {Listen: []string{"grpc+tls://127.0.0.1:0"}},
		"--tls-cert is for grpc+tls": {Listen: []string{"grpc://127.0.0.1:0"}, Security: Security{TLSCert: cert, TLSKey: key}},
		"listen to 0.0.0.0:0":        {Listen: []string{"grpc+tls://0.0.0.0:0"}, Security: Security{TLSCert: cert, TLSKey: key}}, // one of both is not enough
		"listen to [::]:0":           {Listen: []string{"grpc://[::]:0"}, Security: Security{AuthTokens: c.security.AuthTokens}},
		"listen to :0":               {Listen: []string{"grpc://127.0.0.1:0", "grpc://:0"}},
	} {
		k.Engine, k.Roots = new(reader.Engine), []string{t.TempDir()}
		_, err := New(k)
		require.ErrorContains(t, err, why)
		require.ErrorIs(t, err, fault.Invalid)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0") // of the caller's
	require.NoError(t, err)
	require.ErrorContains(t, listening(t, Security{}).ServeOn(context.Background(), l), "--insecure")
}
