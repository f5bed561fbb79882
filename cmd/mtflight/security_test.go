package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/settings"
)

// The first hour, as docs/security.md has it: a certificate, a token, a server, a client; then a password.
func TestFirstHourWithTLS(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	succeed(t, "cert", "selfsigned", "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"))
	code, _, errOut := command(t, "cert", "selfsigned", "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"))
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "is there already")
	require.False(t, certificateIn(t, file("cert.pem")).IsCA, "rustls refuses a server with an authority's certificate")
	token := succeed(t, "token", "new", "--auth-tokens", file("tokens"), "ann")
	require.Regexp(t, `^mtf_[\w-]{43}\n$`, token)
	require.Regexp(t, `^mtf_`, succeed(t, "token", "new", "--auth-tokens", file("tokens"), "bob"))
	for _, secret := range []string{"key.pem", "tokens"} {
		info, err := os.Stat(file(secret))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), secret)
	}
	hashes, err := os.ReadFile(file("tokens"))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(hashes), "sha256:"))
	require.NotContains(t, string(hashes), strings.TrimSpace(token))
	require.NoError(t, os.WriteFile(file("ann.token"), []byte(token), 0o600))

	location, banner, log, stop := servingLogged(t, "--listen", "grpc+tls://127.0.0.1:0", "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"),
		"--auth-tokens", file("tokens"), "--log-level", "error", "../../testdata")
	require.Contains(t, banner, "grpc+tls://127.0.0.1:")
	ca := []string{"--tls-ca", file("cert.pem")}
	ask := func(args ...string) (int, string, string) { return command(t, append(args, ca...)...) }
	code, out, errOut := ask("ls", location, "--token", file("ann.token"))
	require.Zero(t, code, errOut)
	require.Contains(t, out, "tables.h5")
	t.Setenv(settings.Token, token)
	code, _, errOut = ask("get", location, "tables.h5", "/one")
	require.Zero(t, code, errOut)
	t.Setenv(settings.Token, "mtf_wrong")
	code, _, errOut = ask("get", location, "tables.h5", "/one")
	require.Equal(t, 6, code)
	require.Contains(t, errOut, "the bearer is not accepted")
	code, _, errOut = ask("health", "--timeout", "1m", location)
	require.Zero(t, code, errOut)
	for _, name := range []string{"ls", "health"} {
		code, _, errOut = command(t, name, location)
		require.Equal(t, 10, code, "the certificate is of no authority that is known")
		require.Contains(t, errOut, location+" has a certificate that is not trusted here")
		require.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
	}
	require.NoError(t, os.Chmod(file("ann.token"), 0o644))
	code, _, errOut = ask("ls", location, "--token", file("ann.token"))
	require.Equal(t, 6, code)
	require.Contains(t, errOut, "permissions 0644")
	require.Zero(t, stop())
	require.Contains(t, log.String(), `"identity":"ann"`, "calls are logged whatever the level")
	require.NotContains(t, log.String(), "mtf_")
}

func TestUserAdd(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users")
	add := func(name, password string) int {
		in, err := os.CreateTemp(t.TempDir(), "in")
		require.NoError(t, err)
		_, err = in.WriteString(password + "\n")
		require.NoError(t, err)
		_, err = in.Seek(0, 0)
		require.NoError(t, err)
		old := os.Stdin
		os.Stdin = in
		defer func() { os.Stdin = old }()
		code, _, _ := command(t, "user", "add", "--auth-users", users, name)
		return code
	}
	require.Zero(t, add("ann", "a long secret"))
	require.Zero(t, add("bob", "another secret"))
	first, err := os.ReadFile(users)
	require.NoError(t, err)
	require.Zero(t, add("ann", "a new secret"))
	second, err := os.ReadFile(users)
	require.NoError(t, err)
	require.Regexp(t, `^bob:\$argon2id\$v=19\$m=19456,t=2,p=1\$\S+\nann:\$argon2id\S+\n$`, string(second))
	require.NotEqual(t, string(first), string(second))
	for name, password := range map[string]string{"short": "1234567", "a:b": "a long secret", "": "a long secret"} {
		require.Equal(t, 2, add(name, password), name)
	}
}

func certificateIn(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return c
}
