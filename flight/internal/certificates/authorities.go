package certificates

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/secret"
)

// authorities are who signs clients' certificates, and what they have revoked.
type authorities struct {
	pool    *x509.CertPool
	certs   []*x509.Certificate
	revoked []*x509.RevocationList
}

func readAuthorities(path string) (*authorities, error) {
	content, err := secret.Trusted(path)
	if err != nil {
		return nil, err
	}
	a := &authorities{pool: x509.NewCertPool()}
	if err := blocks(path, content, a.add); err != nil {
		return nil, err
	}
	if len(a.certs) == 0 {
		return nil, fault.New(fault.Invalid, "%s: no certificate of an authority in it", path)
	}
	for _, list := range a.revoked {
		if err := a.signed(list); err != nil {
			return nil, fault.New(fault.Invalid, "%s: %w", path, err)
		}
	}
	return a, nil
}

func (a *authorities) add(b *pem.Block) error {
	switch b.Type {
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return err
		}
		a.pool.AddCert(c)
		a.certs = append(a.certs, c)
	case "X509 CRL":
		list, err := x509.ParseRevocationList(b.Bytes)
		if err != nil {
			return err
		}
		a.revoked = append(a.revoked, list)
	default:
		return fmt.Errorf("a block of %s: certificates and revocation lists are expected", b.Type)
	}
	return nil
}

// signed checks who made a revocation list.
func (a *authorities) signed(list *x509.RevocationList) error {
	for _, c := range a.certs {
		if bytes.Equal(c.RawSubject, list.RawIssuer) && list.CheckSignatureFrom(c) == nil {
			return nil
		}
	}
	return fmt.Errorf("a revocation list of %s, which none of the authorities has signed", list.Issuer)
}

func (a *authorities) identify(chain []*x509.Certificate, now time.Time) (string, error) {
	bad := func(why string) (string, error) {
		return "", fault.New(fault.Unauthenticated, "the client's certificate is not accepted: %s", why)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if err := within("of the client", chain[0], now); err != nil {
		return bad(err.Error())
	}
	paths, err := chain[0].Verify(x509.VerifyOptions{Roots: a.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return bad(plainly(err))
	}
	if why := a.revokedBy(paths, now); why != "" {
		return bad(why)
	}
	name := nameOf(chain[0])
	if name == "" {
		return bad("it names nobody: it needs a URI, mail address or DNS name as its subject alternative name")
	}
	return name, nil
}

// plainly says why a certificate is not verified, without what is in it.
func plainly(err error) string {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return "its authority is not among the server's"
	}
	return err.Error()
}

// revokedBy says why none of the paths is to be trusted; "" if one is.
func (a *authorities) revokedBy(paths [][]*x509.Certificate, now time.Time) (why string) {
	for _, path := range paths {
		if why = a.revokedOn(path, now); why == "" {
			return ""
		}
	}
	return why
}

// revokedOn says which certificate below the root of a path is on its issuer's list. A list that is out of date tells nothing.
func (a *authorities) revokedOn(path []*x509.Certificate, now time.Time) (why string) {
	for i, c := range path[:len(path)-1] {
		for _, list := range a.revoked {
			switch {
			case !bytes.Equal(list.RawIssuer, path[i+1].RawSubject):
			case slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 }):
				return "it has been revoked"
			case !list.NextUpdate.IsZero() && now.After(list.NextUpdate):
				return "the server's revocation list of its authority is out of date, since " + list.NextUpdate.Format(time.DateTime)
			}
		}
	}
	return ""
}

func nameOf(c *x509.Certificate) string {
	switch {
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	case len(c.EmailAddresses) > 0:
		return c.EmailAddresses[0]
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	}
	return ""
}
