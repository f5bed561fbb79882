package login

import (
	"context"
	"strings"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// Config says which ways there are; empty members: not that way.
type Config struct {
	Tokens           string // file of tokens' hashes
	Users            string // file of passwords' hashes
	TokenKey         string // file of the keys that sign bearers, the first of which is used; none: one of this process's own
	Issuer, Audience string // of OpenID Connect
	Log              *zap.Logger
}

// Ways are the ways to log in.
type Ways struct {
	tokens    tokens
	users     users
	sessions  *sessions
	provider  *provider
	passwords *passwords
}

// Open reads the files. passwords count attempts; they and the own key are those of former, if it is not nil.
func Open(ctx context.Context, c Config, former *Ways) (w *Ways, err error) {
	w = &Ways{passwords: newPasswords()}
	if former != nil {
		w.passwords = former.passwords
	}
	if c.Tokens != "" {
		if w.tokens, err = readTokens(c.Tokens); err != nil {
			return nil, err
		}
	}
	if c.Users == "" && c.TokenKey != "" {
		return nil, fault.New(fault.Invalid, "--token-key signs what a login by password gives: give --auth-users too")
	}
	if c.Users != "" {
		if w.users, err = readUsers(c.Users); err != nil {
			return nil, err
		}
		if w.sessions, err = newSessions(c.TokenKey, former); err != nil {
			return nil, err
		}
	}
	if (c.Issuer == "") != (c.Audience == "") {
		return nil, fault.New(fault.Invalid, "--oidc-issuer and --oidc-audience go together: tokens for another audience are not for this server")
	}
	if c.Issuer != "" {
		w.provider, err = newProvider(ctx, c, former)
	}
	return w, err
}

// Any tells whether there is a way by bearers or passwords.
func (w *Ways) Any() bool { return w.tokens != nil || w.users != nil || w.provider != nil }

// maxBearer bounds what is looked at.
const maxBearer = 12 << 10

// Bearer tells whom a bearer is of, from the value of a call's header authorization.
func (w *Ways) Bearer(ctx context.Context, header string) (identity.Identity, error) {
	token, is := scheme(header, "Bearer")
	switch {
	case !is:
		return refused("the header authorization must be a bearer: log in by Handshake for one")
	case len(token) > maxBearer:
		return refused("the bearer is too long")
	}
	if i, found := w.tokens.find(token); found {
		return i, nil
	}
	if strings.Count(token, ".") == 2 {
		if i, ours, err := w.sessions.find(token, w.users); ours {
			return i, err
		}
		if w.provider != nil {
			return w.provider.find(ctx, token)
		}
	}
	return refused("the bearer is not accepted")
}

// scheme takes the value of a header of this scheme, whose name has no case.
func scheme(header, name string) (value string, is bool) {
	s, value, found := strings.Cut(header, " ")
	return strings.TrimSpace(value), found && strings.EqualFold(s, name)
}

func refused(why string) (identity.Identity, error) {
	return identity.Identity{}, fault.New(fault.Unauthenticated, "%s", why)
}

// TakesPasswords tells whether Handshake is one of the ways.
func (w *Ways) TakesPasswords() bool { return w.users != nil }

// Known describes the ways, with that by certificates if it is one, for who has taken none.
func (w *Ways) Known(certificates bool) string {
	var all []string
	if certificates {
		all = append(all, "a client's certificate")
	}
	if w.tokens != nil {
		all = append(all, "a token of the server's")
	}
	if w.users != nil {
		all = append(all, "a name and password by Handshake")
	}
	if w.provider != nil {
		all = append(all, "a token of "+w.provider.issuer)
	}
	return strings.Join(all, " or ")
}
