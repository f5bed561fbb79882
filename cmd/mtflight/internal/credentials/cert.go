package credentials

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/internal/secret"
)

func newCert() *cobra.Command {
	c := &cobra.Command{Use: "cert", Short: "Make certificates to begin with", Args: cobra.NoArgs, RunE: help}
	c.AddCommand(newCertSelfsigned())
	return c
}

func newCertSelfsigned() *cobra.Command {
	var cert, key string
	c := &cobra.Command{
		Use:   "selfsigned --tls-cert FILE --tls-key FILE [HOST...]",
		Short: "Make a certificate and key for a server, signed by itself",
		Long: `Make a key and a certificate of one year for hosts (by default this machine's name, localhost, 127.0.0.1 and ::1). Clients have to be
given the certificate as their authority, so this is for the first hour: an authority of your own or a public one comes next.`,
		Example: `  mtflight cert selfsigned --tls-cert cert.pem --tls-key key.pem data.lab.example
  mtflight serve --listen grpc+tls://0.0.0.0:8815 --tls-cert cert.pem --tls-key key.pem --auth-tokens tokens /data
  mtflight ls grpc+tls://data.lab.example:8815 --tls-ca cert.pem --token ann.token`,
		RunE: func(c *cobra.Command, hosts []string) error {
			if err := occupied(cert, key); err != nil {
				return err
			}
			certPEM, keyPEM, err := selfsigned(hosts)
			if err != nil {
				return err
			}
			return errors.Join(secret.Write(key, keyPEM), secret.Write(cert, certPEM), os.Chmod(cert, 0o644))
		},
	}
	c.Flags().StringVar(&cert, "tls-cert", "", "file to make for the certificate")
	c.Flags().StringVar(&key, "tls-key", "", "file to make for the key")
	_ = c.MarkFlagRequired("tls-cert")
	_ = c.MarkFlagRequired("tls-key")
	return c
}

func selfsigned(hosts []string) (certPEM, keyPEM []byte, err error) {
	if len(hosts) == 0 {
		hosts = []string{"localhost", "127.0.0.1", "::1"}
		if own, err := os.Hostname(); err == nil {
			hosts = append([]string{own}, hosts...)
		}
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, fmt.Errorf("cert: %w", err)
	}
	now := time.Now()
	// No authority: rustls refuses servers with the certificate of one. OpenSSL wants a key that may sign certificates, or no word about it.
	t := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: hosts[0]}, NotBefore: now.Add(-time.Minute), NotAfter: now.AddDate(1, 0, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("cert: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("cert: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("cert: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
