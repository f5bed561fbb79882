package wire

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// Visitors is a listener for an http.Server, whose connections are of the same Crowd as gRPC's. Attend goes with it.
type Visitors struct {
	net.Listener
	Crowd *Crowd
}

// Accept is part of net.Listener.
func (v Visitors) Accept() (net.Conn, error) {
	for {
		c, err := v.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g, ok := v.Crowd.enter(c); ok {
			return visitor{c, g}, nil
		}
	}
}

// visitor is a connection of Visitors, with TLS above or not.
type visitor struct {
	net.Conn
	guest *guest
}

// Close is net.Conn's.
func (v visitor) Close() error {
	v.guest.leave()
	return v.Conn.Close()
}

func guestOf(c net.Conn) *guest {
	if s, is := c.(*tls.Conn); is {
		c = s.NetConn()
	}
	v, _ := c.(visitor)
	return v.guest
}

// Attend has a server tell which of its connections of Visitors have requests, and gives each a Ledger, by which its requests are known as of one.
func Attend(s *http.Server) {
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		l := newLedger()
		l.guest = guestOf(c)
		return context.WithValue(ctx, ledgerKey{}, l)
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateActive:
			guestOf(c).called(1)
		case http.StateIdle:
			guestOf(c).called(-1)
		}
	}
}
