// Package certificates holds a server's certificate and judges those of clients. A Set is what files said when Load read them; it does
// not change and is safe for concurrent use.
package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/secret"
)

// Files are paths of PEM files. ClientCA has the authorities that sign clients' certificates, with their revocation lists; none:
// clients are not asked for one.
type Files struct{ Cert, Key, ClientCA string }

// Set is what the files say.
type Set struct {
	config  *tls.Config
	clients *authorities // nil: none
}

// Load reads the files.
func Load(files Files) (*Set, error) {
	pair, err := files.pair()
	if err != nil {
		return nil, err
	}
	s := &Set{config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, Certificates: []tls.Certificate{pair},
		DynamicRecordSizingDisabled: true}}
	if files.ClientCA != "" {
		if s.clients, err = readAuthorities(files.ClientCA); err != nil {
			return nil, err
		}
		s.config.ClientCAs = s.clients.pool
		s.config.ClientAuth = tls.RequestClientCert // Identify judges it for each call: then a wrong one has a reason
	}
	return s, nil
}

// pair is the server's own certificate and its key.
func (f Files) pair() (none tls.Certificate, err error) {
	cert, err := secret.Trusted(f.Cert)
	if err != nil {
		return none, err
	}
	key, err := secret.Read(f.Key)
	if err != nil {
		return none, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return none, fault.New(fault.Invalid, "certificate %s with key %s: %w", f.Cert, f.Key, err)
	}
	return pair, within(f.Cert, pair.Leaf, time.Now())
}

// within refuses a certificate outside its time.
func within(what string, c *x509.Certificate, now time.Time) error {
	switch {
	case now.After(c.NotAfter):
		return fault.New(fault.Invalid, "certificate %s has expired on %s", what, c.NotAfter.Format(time.DateTime))
	case now.Before(c.NotBefore):
		return fault.New(fault.Invalid, "certificate %s is not valid before %s", what, c.NotBefore.Format(time.DateTime))
	}
	return nil
}

// Config is TLS's, the same one each time, so that clients can resume.
func (s *Set) Config() *tls.Config { return s.config }

// AsksClients tells whether clients may log in by a certificate.
func (s *Set) AsksClients() bool { return s != nil && s.clients != nil }

// Identify gives the name that a client's certificates stand for: the first one's URI, mail address or DNS name. The connection
// has proved that the client has its key. Errors: fault.Unauthenticated.
func (s *Set) Identify(chain []*x509.Certificate) (string, error) {
	return s.clients.identify(chain, time.Now())
}

// blocks gives each PEM block of a file.
func blocks(path string, content []byte, each func(*pem.Block) error) error {
	for n := 0; ; n++ {
		var b *pem.Block
		if b, content = pem.Decode(content); b == nil {
			if n == 0 {
				return fault.New(fault.Invalid, "%s: no PEM in it", path)
			}
			return nil
		}
		if err := each(b); err != nil {
			return fault.New(fault.Invalid, "%s: %w", path, err)
		}
	}
}
