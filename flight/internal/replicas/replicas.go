// Package replicas tells where the parts of an answer are asked for: which servers of the same files there are, which of them are ready,
// and which serves which part.
//
// A Set is named by the operator. Of peers, Watch learns which are ready: it looks their names up and asks each for its health, in one
// goroutine's rounds. Place spreads parts so that the same part has the same server each time, on whichever server it is asked for, and
// no server has more parts of an answer than its share. All methods are safe for concurrent use; Watch runs once.
package replicas

import (
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/mtflight/mtflight/internal/fault"
)

// Set is the servers of the same files.
type Set struct {
	peers []string // as they were named: locations, and names of DNS
	tls   bool     // what DNS tells of is asked by TLS
	log   *zap.Logger
	named atomic.Pointer[[]string] // locations to send clients to, sorted; nil: not known yet

	conns map[string]*grpc.ClientConn // Watch's
}

const most = 64 // servers, of what DNS may tell, too

// New gives the set of locations that are always named, or of peers, of which those that are ready are once Watch runs: LOCATION, or
// dns:///HOST:PORT for each address of a host, or dns:///_SERVICE._tcp.HOST for each name and port of its SRV records; these
// are asked by TLS or without it. Invalid names which is none.
func New(always, peers []string, tls bool, log *zap.Logger) (*Set, error) {
	if len(always) > 0 && len(peers) > 0 {
		return nil, fault.New(fault.Invalid, "replicas: --advertise names replicas whether they are ready or not, --peers those that are: give one of them")
	}
	if len(always) > most || len(peers) > most {
		return nil, fault.New(fault.Invalid, "replicas: more than %d replicas", most)
	}
	for _, location := range append(always[:len(always):len(always)], peers...) {
		if name, ok := strings.CutPrefix(location, "dns:///"); ok && len(peers) > 0 {
			if _, _, err := split(name); err != nil {
				return nil, fault.New(fault.Invalid, "replicas: %q is none to look up: dns:///HOST:PORT, or dns:///_grpc._tcp.HOST for SRV records", location)
			}
		} else if _, err := target(location); err != nil {
			return nil, err
		}
	}
	s := &Set{peers: peers, tls: tls, log: log, conns: map[string]*grpc.ClientConn{}}
	if len(peers) == 0 {
		s.name(always)
	}
	return s, nil
}

// Ready are the locations that clients are sent to, which the caller does not change; none: they stay where they are.
func (s *Set) Ready() []string {
	if named := s.named.Load(); named != nil {
		return *named
	}
	return nil
}

func (s *Set) name(locations []string) { s.named.Store(&locations) }

// target is gRPC's name of a location that clients can be sent to.
func target(location string) (string, error) {
	u, err := url.Parse(location)
	switch {
	case err != nil || !strings.HasPrefix(location, u.Scheme+":"):
	case (u.Scheme == "grpc+unix" || u.Scheme == "unix") && u.Path+u.Opaque != "":
		return "unix:" + u.Path + u.Opaque, nil
	case u.Scheme == "grpc" || u.Scheme == "grpc+tcp" || u.Scheme == "grpc+tls":
		ip := net.ParseIP(u.Hostname())
		if u.Hostname() != "" && (ip == nil || !ip.IsUnspecified()) && u.Port() != "" && u.Port() != "0" && strings.Trim(u.Path, "/") == "" {
			return u.Host, nil
		}
	}
	return "", fault.New(fault.Invalid, "replicas: location %q cannot be advertised: give the host and port at which clients reach the server", location)
}
