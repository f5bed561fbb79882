// Package certtest makes certificates for tests: an Authority issues pairs, and revokes them.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Authority signs certificates. For one goroutine.
type Authority struct {
	t       testing.TB
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	serial  int64
	revoked []x509.RevocationListEntry
	Until   time.Time // when its list of what it has revoked is out of date
}

// New makes an authority.
func New(t testing.TB) *Authority {
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of " + t.Name()}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &Authority{t: t, cert: cert, key: key, serial: 1, Until: time.Now().Add(time.Hour)}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// PEM is the authority's certificate, with the list of what it has revoked if there is any.
func (a *Authority) PEM() []byte {
	out := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if len(a.revoked) == 0 {
		return out
	}
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(int64(len(a.revoked))), ThisUpdate: a.Until.Add(-2 * time.Hour),
		NextUpdate: a.Until, RevokedCertificateEntries: a.revoked}, a.cert, a.key)
	require.NoError(a.t, err)
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list})...)
}

// Pool has the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Issue makes a pair for names: URIs, IP addresses or DNS names. change, if it is not nil, has the last word.
func (a *Authority) Issue(change func(*x509.Certificate), names ...string) Pair {
	a.serial++
	c := &x509.Certificate{SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: "somebody"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	for _, n := range names {
		if u, err := url.Parse(n); err == nil && u.Scheme != "" && u.Host != "" {
			c.URIs = append(c.URIs, u)
		} else if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	if change != nil {
		change(c)
	}
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	require.NoError(a.t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	return Pair{a.t, c.SerialNumber, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})}
}

// Revoke takes a pair back.
func (a *Authority) Revoke(p Pair) {
	a.revoked = append(a.revoked, x509.RevocationListEntry{SerialNumber: p.serial, RevocationTime: time.Now().Add(-time.Minute)})
}

// Pair is a certificate and its key, as PEM.
type Pair struct {
	t         testing.TB
	serial    *big.Int
	Cert, Key []byte
}

// TLS is the pair for a connection.
func (p Pair) TLS() tls.Certificate {
	c, err := tls.X509KeyPair(p.Cert, p.Key)
	require.NoError(p.t, err)
	return c
}

// Write makes files of the pair in a directory.
func (p Pair) Write(dir string) (cert, key string) {
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(p.t, os.WriteFile(cert, p.Cert, 0o600))
	require.NoError(p.t, os.WriteFile(key, p.Key, 0o600))
	return cert, key
}
