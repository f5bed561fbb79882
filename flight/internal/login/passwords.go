package login

import (
	"context"
	"encoding/base64"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// Attempts: so many wrong ones in a row from one host or for one name, then one in a while.
const (
	attempts     = 10
	attemptEvery = 6 * time.Second
	maxCounted   = 10_000 // hosts and names; beyond them the rest count as one
	maxWaiting   = 100    // logins that wait for a core
)

// passwords bounds the work of hashing: one at a time a core, and wrong attempts.
type passwords struct {
	cores   chan struct{}
	waiting atomic.Int64

	mu    sync.Mutex
	wrong map[string]*count
}

// count is of wrong attempts, which time forgives.
type count struct {
	n  float64
	at time.Time
}

func newPasswords() *passwords {
	return &passwords{cores: make(chan struct{}, runtime.GOMAXPROCS(0)), wrong: map[string]*count{}}
}

// hostOf is whose attempts are counted together: an address of IPv4, or the network of IPv6 in which one host chooses its addresses.
func hostOf(from netip.Addr) string {
	if from = from.Unmap().WithZone(""); !from.Is6() {
		return "host " + from.String()
	}
	network, _ := from.Prefix(64) // never fails
	return "host " + network.String()
}

// Password logs in by the value of Handshake's header authorization, from a host. The bearer is for later calls. Errors:
// fault.Unauthenticated, fault.Exhausted after too many attempts.
func (w *Ways) Password(ctx context.Context, header string, from netip.Addr) (bearer string, i identity.Identity, err error) {
	name, password, ok := basic(header)
	if !ok {
		i, err = refused("Handshake takes a name and password in the header authorization: Basic BASE64(NAME:PASSWORD)")
		return "", i, err
	}
	h, known := w.users[name]
	if !known {
		h = nobody
	}
	right, err := w.passwords.check(ctx, []string{hostOf(from), "name " + name}, func() bool { return h.matches(password) && known })
	if err != nil {
		return "", i, err
	}
	if !right {
		i, err = refused("name or password are wrong")
		return "", i, err
	}
	i = identity.Identity{Name: name, How: "password"}
	bearer, err = w.sessions.sign(name, h)
	return bearer, i, err
}

// basic parts the value of the header: RFC 7617, with or without padding.
func basic(header string) (name, password string, ok bool) {
	value, is := scheme(header, "Basic")
	if !is || len(value) > 4*maxPassword {
		return "", "", false
	}
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	name, password, found := strings.Cut(string(text), ":")
	return name, password, err == nil && found && len(password) <= maxPassword
}

// check hashes, if there have not been too many wrong attempts by one of the keys.
func (p *passwords) check(ctx context.Context, keys []string, matches func() bool) (bool, error) {
	if p.waiting.Add(1) > maxWaiting {
		p.waiting.Add(-1)
		return false, fault.New(fault.Exhausted, "too many logins at a time: try again")
	}
	defer p.waiting.Add(-1)
	select {
	case p.cores <- struct{}{}:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	defer func() { <-p.cores }()
	if !p.begin(keys, time.Now()) {
		return false, fault.New(fault.Exhausted, "too many wrong logins: try again in a minute")
	}
	right := matches()
	if right {
		p.forgive(keys)
	}
	return right, nil
}

// begin counts an attempt as a wrong one; false: there were too many.
func (p *passwords) begin(keys []string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var counts []*count
	for _, k := range keys {
		c := p.of(k, now)
		c.n = max(0, c.n-float64(now.Sub(c.at))/float64(attemptEvery))
		c.at = now
		if c.n > attempts-1 {
			return false
		}
		counts = append(counts, c)
	}
	for _, c := range counts {
		c.n++
	}
	return true
}

// of is the count of a key. Called locked.
func (p *passwords) of(key string, now time.Time) *count {
	if p.wrong[key] == nil && len(p.wrong) >= maxCounted {
		p.tidy(now)
	}
	if p.wrong[key] == nil && len(p.wrong) >= maxCounted {
		key = "rest"
	}
	if p.wrong[key] == nil {
		p.wrong[key] = &count{at: now}
	}
	return p.wrong[key]
}

// tidy drops counts that time has forgiven. Called locked.
func (p *passwords) tidy(now time.Time) {
	for k, c := range p.wrong {
		if now.Sub(c.at) > attempts*attemptEvery {
			delete(p.wrong, k)
		}
	}
}

func (p *passwords) forgive(keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		if c := p.wrong[k]; c != nil {
			c.n = max(0, c.n-1)
		}
	}
}
