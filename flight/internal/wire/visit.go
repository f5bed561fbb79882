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
	c, err := v.Crowd.accept(v.Listener)
	if err != nil {
		return nil, err
	}
	return c, nil
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
