package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// Serve answers until ctx ends; then what runs may go on for drain.
func Serve(ctx context.Context, s *http.Server, l net.Listener, drain time.Duration) error {
	g := errgroup.Group{}
	stopped := make(chan struct{})
	g.Go(func() error {
		defer close(stopped)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		select {
		case <-ctx.Done():
		case <-stopped:
			return nil
		}
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if s.Shutdown(late) != nil {
			return s.Close()
		}
		return nil
	})
	return g.Wait()
}

// Peer is who sent a request, as gRPC has it.
func Peer(r *http.Request) *peer.Peer {
	p := &peer.Peer{Addr: &net.UnixAddr{Net: "unix"}}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		p.Addr = net.TCPAddrFromAddrPort(at)
	}
	if r.TLS != nil {
		p.AuthInfo = credentials.TLSInfo{State: *r.TLS}
	}
	return p
}
