package flight

import (
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

// listenAll listens to every URI or to none.
func listenAll(uris []string) ([]net.Listener, error) {
	if len(uris) == 0 {
		return nil, fault.New(fault.Invalid, "flight: nowhere to listen: give grpc://HOST:PORT or grpc+unix:///PATH")
	}
	var all []net.Listener
	for _, uri := range uris {
		l, err := listen(uri)
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// splitURI gives the network and address of a location.
func splitURI(uri string) (network, address string, err error) {
	bad := func(why string) (string, string, error) {
		return "", "", fault.New(fault.Invalid, "flight: location %q: %s", uri, why)
	}
	u, err := url.Parse(uri)
	if err != nil {
		return bad("not a URI: write grpc://HOST:PORT or grpc+unix:///PATH")
	}
	switch u.Scheme {
	case "grpc", "grpc+tcp":
		if u.Port() == "" || u.Path != "" {
			return bad("must be grpc://HOST:PORT")
		}
		return "tcp", u.Host, nil
	case "grpc+unix", "unix":
		path := u.Path + u.Opaque
		if path == "" || u.Host != "" {
			return bad("must be grpc+unix:///PATH")
		}
		return "unix", path, nil
	case "grpc+tls":
		return bad("TLS is not served: put a proxy in front, or use grpc+unix")
	}
	return bad("unknown scheme: write grpc://HOST:PORT or grpc+unix:///PATH")
}

func listen(uri string) (net.Listener, error) {
	network, address, err := splitURI(uri)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen(network, address)
	if network == "unix" && errors.Is(err, syscall.EADDRINUSE) && stale(address) {
		if err = os.Remove(address); err == nil {
			l, err = net.Listen(network, address)
		}
	}
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.New(fault.Unavailable, "flight: listen to %s: already in use: stop the other server or choose another address", uri)
	case errors.Is(err, syscall.EACCES):
		return nil, fault.New(fault.Denied, "flight: listen to %s: not allowed: choose a port from 1024 on, or a directory you may write", uri)
	}
	return nil, fault.New(fault.Unavailable, "flight: listen to %s: %w", uri, err)
}

// stale tells whether a path is a socket to which nobody listens any more.
func stale(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "no such file")
}
