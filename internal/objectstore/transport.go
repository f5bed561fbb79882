package objectstore

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	mostIdle   = 64               // connections to a host that are kept
	headers    = 64 << 10         // bytes of an answer's headers
	firstBytes = 10 * time.Second // until an answer begins
	mostHops   = 4                // redirects in a row
)

// client is one for all roots: connections are shared.
var client = sync.OnceValue(func() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: refused}
	return &http.Client{CheckRedirect: follow, Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // bytes are asked for by their places
		MaxIdleConnsPerHost:    mostIdle,
		IdleConnTimeout:        time.Minute,
		TLSHandshakeTimeout:    firstBytes,
		ResponseHeaderTimeout:  firstBytes,
		MaxResponseHeaderBytes: headers,
	}}
})

var errLinkLocal = errors.New("the store's name leads to an address of this link alone, where machines keep credentials: it is not asked")

// refused ends a connection to an address that no store has: what clouds tell their machines is there.
func refused(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errLinkLocal
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip == awsV6 {
		return errLinkLocal
	}
	return nil
}

// awsV6 is where Amazon's machines find their credentials by IPv6.
var awsV6 = netip.MustParseAddr("fd00:ec2::254")

// errRedirect is of a redirect that is not followed.
var errRedirect = fault.New(fault.Denied, "the store sends the request to another host: name that one, or its endpoint and region, if it is right")

// follow follows redirects within the host alone, so that nothing that goes with a request gets to another.
func follow(to *http.Request, way []*http.Request) error {
	from := way[0].URL
	if len(way) > mostHops || to.URL.Scheme != from.Scheme || to.URL.Host != from.Host || way[0].Header.Get("Authorization") != "" {
		return errRedirect
	}
	return nil
}
