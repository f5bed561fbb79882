package replicas

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	pause  = 5 * time.Second // between rounds
	answer = 2 * time.Second // that DNS and a server have for theirs
	atOnce = 16              // servers asked
)

// Watch asks peers whether they are ready, every five seconds until ctx ends. Without peers it returns at once.
func (s *Set) Watch(ctx context.Context) {
	if len(s.peers) == 0 {
		return
	}
	defer s.forget(nil)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		s.round(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// round names those that are ready now.
func (s *Set) round(ctx context.Context) {
	found := s.lookUp(ctx)
	s.forget(found)
	ready := make([]bool, len(found))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, location := range found {
		conn, err := s.conn(location)
		if err != nil {
			continue
		}
		g.Go(func() error {
			ready[i] = serving(ctx, conn)
			return nil
		})
	}
	_ = g.Wait() // none fails
	var named []string
	for i, location := range found {
		if ready[i] {
			named = append(named, location)
		}
	}
	if ctx.Err() != nil {
		return
	}
	if before := s.named.Load(); before == nil || !slices.Equal(*before, named) {
		s.log.Info("replicas that are ready", zap.Strings("locations", named), zap.Int("of", len(found)))
	}
	s.name(named)
}

// lookUp is where all peers are. Of a name that cannot be looked up now what is named stays, as long as it answers.
func (s *Set) lookUp(ctx context.Context) []string {
	all := map[string]bool{}
	for _, peer := range s.peers {
		name, ok := strings.CutPrefix(peer, "dns:///")
		if !ok {
			all[peer] = true
			continue
		}
		places, err := resolve(ctx, name)
		if err != nil {
			s.log.Warn("replicas cannot be looked up", zap.String("name", name), zap.Error(err))
			for location := range s.conns {
				all[location] = true
			}
		}
		for _, place := range places {
			all[s.scheme()+place] = true
		}
	}
	found := slices.Sorted(maps.Keys(all))
	if len(found) > most {
		s.log.Warn("more replicas than are asked", zap.Int("found", len(found)), zap.Int("asked", most))
		found = found[:most]
	}
	return found
}

func (s *Set) scheme() string {
	if s.tls {
		return "grpc+tls://"
	}
	return "grpc://"
}

// split gives host and port of a name to look up; that of SRV records has none.
func split(name string) (host, port string, err error) {
	if strings.HasPrefix(name, "_") {
		return name, "", nil
	}
	if host, port, err = net.SplitHostPort(name); err == nil && (host == "" || port == "") {
		err = fault.New(fault.Invalid, "replicas: no host or no port in %q", name)
	}
	return host, port, err
}

// resolve is where a name of DNS leads, HOST:PORT each.
func resolve(ctx context.Context, name string) (places []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	host, port, err := split(name)
	if err != nil {
		return nil, err
	}
	if port == "" {
		_, records, err := net.DefaultResolver.LookupSRV(ctx, "", "", host)
		for _, r := range records {
			places = append(places, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), fmt.Sprint(r.Port)))
		}
		return places, err
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	for _, a := range addresses {
		places = append(places, net.JoinHostPort(a, port))
	}
	return places, err
}

// conn is the connection to a location, kept over rounds.
func (s *Set) conn(location string) (*grpc.ClientConn, error) {
	if conn := s.conns[location]; conn != nil {
		return conn, nil
	}
	to, err := target(location)
	if err != nil {
		return nil, err
	}
	secret := insecure.NewCredentials()
	if strings.HasPrefix(location, "grpc+tls:") { // clients judge the certificate; nothing is sent there that is secret
		secret = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	}
	conn, err := grpc.NewClient("passthrough:///"+to, grpc.WithTransportCredentials(secret), grpc.WithConnectParams(grpc.ConnectParams{
		MinConnectTimeout: answer, Backoff: backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: pause}}))
	if err == nil {
		s.conns[location] = conn
	}
	return conn, err
}

// forget closes connections to all but those.
func (s *Set) forget(but []string) {
	for location, conn := range s.conns {
		if !slices.Contains(but, location) {
			_ = conn.Close()
			delete(s.conns, location)
		}
	}
}

// serving tells whether a server takes requests. One that answers nobody who has not logged in does.
func serving(ctx context.Context, conn *grpc.ClientConn) bool {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	told, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	switch status.Code(err) {
	case codes.OK:
		return told.Status == grpc_health_v1.HealthCheckResponse_SERVING
	case codes.Unauthenticated, codes.PermissionDenied:
		return true
	default:
		return false
	}
}
