package login

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/internal/secret"
)

// sessions signs the bearers that a login by password gives. Whoever has the same keys and users accepts them.
type sessions struct {
	keys [][]byte // the first one signs
	own  bool     // of this process
}

const (
	sessionIssuer = "mtflight"
	sessionTime   = time.Hour
	leastKey      = 32 // characters of a key's line
)

// claims are a session's; Mark ends it when the password changes.
type claims struct {
	jwt.Claims
	Mark string `json:"mark"`
}

func newSessions(path string, former *Ways) (*sessions, error) {
	if path == "" {
		if former != nil && former.sessions != nil && former.sessions.own {
			return former.sessions, nil
		}
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		return &sessions{keys: [][]byte{key}, own: true}, nil
	}
	s := &sessions{}
	err := lines(path, secret.Read, func(line string) error {
		if len(line) < leastKey {
			return fault.New(fault.Invalid, "a key of %d characters: at least %d random ones, as `openssl rand -hex 32` writes", len(line), leastKey)
		}
		key := sha256.Sum256([]byte(line))
		s.keys = append(s.keys, key[:])
		return nil
	})
	if err == nil && len(s.keys) == 0 {
		err = fault.New(fault.Invalid, "%s: no key in it: write a line of at least %d random characters, as `openssl rand -hex 32` does", path, leastKey)
	}
	return s, err
}

func (s *sessions) sign(name string, h hash) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: s.keys[0]}, nil)
	if err != nil {
		return "", fmt.Errorf("login: sign: %w", err)
	}
	now := time.Now()
	c := claims{Claims: jwt.Claims{Issuer: sessionIssuer, Subject: name, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(sessionTime))}, Mark: h.mark()}
	return jwt.Signed(signer).Claims(c).Serialize()
}

// find tells whom a bearer is of; not ours is what none of the keys has signed.
func (s *sessions) find(text string, known users) (i identity.Identity, ours bool, err error) {
	if s == nil {
		return i, false, nil
	}
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return i, false, nil
	}
	for _, key := range s.keys {
		var c claims
		if parsed.Claims(key, &c) != nil || c.Issuer != sessionIssuer || c.Expiry == nil {
			continue
		}
		h, there := known[c.Subject]
		switch {
		case c.ValidateWithLeeway(jwt.Expected{Time: time.Now()}, 0) != nil:
			i, err = refused("the login has expired: log in again")
		case !there || h.mark() != c.Mark:
			i, err = refused("the login does not hold any more: log in again")
		default:
			return identity.Identity{Name: c.Subject, How: "password"}, true, nil
		}
		return i, true, err
	}
	return i, false, nil
}
