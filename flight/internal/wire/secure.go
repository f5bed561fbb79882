package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"
)

// Listener gives gRPC connections that gather (gather.go), with TLS below where it is given.
type Listener struct {
	net.Listener
	TLS   *tls.Config // nil: plain
	Crowd *Crowd      // of all connections of the server; nil: any number
}

// Accept is part of net.Listener.
func (l Listener) Accept() (net.Conn, error) {
	v, err := l.Crowd.accept(l.Listener)
	if err != nil {
		return nil, err
	}
	if l.TLS != nil {
		return secret{v, l.TLS}, nil
	}
	g := newGathering(v.Conn)
	g.guest = v.guest
	return g, nil
}

// secret is a connection whose handshake is to come.
type secret struct {
	visitor
	config *tls.Config
}

// Handshaker begins the connections of a Listener, each in a goroutine of its own; it is gRPC's transport credentials.
type Handshaker struct {
	Failed func(peer net.Addr, err error) // told of handshakes that fail
}

// ServerHandshake is part of credentials.TransportCredentials.
func (h Handshaker) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	s, is := raw.(secret)
	if !is {
		return raw, plain{}, nil
	}
	below := &corked{Conn: s.Conn}
	c := tls.Server(below, s.config)
	if err := c.Handshake(); err != nil { // gRPC has set a deadline
		h.Failed(raw.RemoteAddr(), err)
		_ = raw.Close()
		return nil, nil, err
	}
	g := newGathering(c)
	g.cork, g.guest = below, s.guest
	return g, credentials.TLSInfo{State: c.ConnectionState(), CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}, nil
}

// ClientHandshake is part of credentials.TransportCredentials.
func (Handshaker) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("wire: a server's handshake only")
}

// Info is part of credentials.TransportCredentials.
func (Handshaker) Info() credentials.ProtocolInfo { return credentials.ProtocolInfo{} }

// Clone is part of credentials.TransportCredentials.
func (h Handshaker) Clone() credentials.TransportCredentials { return h }

// OverrideServerName is part of credentials.TransportCredentials.
func (Handshaker) OverrideServerName(string) error { return nil }

// plain is what is known of a connection without TLS.
type plain struct{}

func (plain) AuthType() string { return "plain" }

// corkBytes is how much TLS writes at once of what gathering connections give it. Go's TLS writes each record of 16 KiB by itself.
const corkBytes = 256 << 10

var corks = sync.Pool{New: func() any { b := make([]byte, 0, corkBytes+(32<<10)); return &b }}

// corked is what TLS writes to: between hold and release records wait for one another, at other times nothing waits.
type corked struct {
	net.Conn
	mu  sync.Mutex
	buf *[]byte // nil: nothing waits
}

func (c *corked) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		return c.Conn.Write(b)
	}
	*c.buf = append(*c.buf, b...)
	if len(*c.buf) < corkBytes {
		return len(b), nil
	}
	return len(b), c.empty()
}

func (c *corked) empty() error {
	_, err := c.Conn.Write(*c.buf)
	*c.buf = (*c.buf)[:0]
	return err
}

func (c *corked) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = corks.Get().(*[]byte)
}

func (c *corked) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.empty()
	corks.Put(c.buf)
	c.buf = nil
	return err
}
