package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// algorithms are the signatures that are accepted, whatever a provider or a token says: none by a shared secret, and not "none".
var algorithms = []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.ES384, oidc.EdDSA}

// Times of asking a provider what it is and for its keys.
const (
	askTime  = 5 * time.Second
	askAgain = 10 * time.Second
)

// provider is an OpenID Connect one. It may not answer when the server starts, and is asked again then.
type provider struct {
	issuer, audience string
	client           *http.Client
	log              *zap.Logger

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil: not known yet
	asked    time.Time
	err      error
}

// newProvider asks the provider what it is. What answers and is another one is an error; what does not answer is asked later.
func newProvider(ctx context.Context, c Config, former *Ways) (*provider, error) {
	if former != nil && former.provider != nil && former.provider.issuer == c.Issuer && former.provider.audience == c.Audience {
		return former.provider, nil // with the keys that it has
	}
	p := &provider{issuer: c.Issuer, audience: c.Audience, client: &http.Client{Timeout: askTime}, log: c.Log}
	if _, err := p.known(ctx); fault.Of(err) == fault.Invalid {
		return nil, err
	}
	return p, nil
}

// known is the verifier, once the provider has said what it is.
func (p *provider) known(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.verifier != nil || time.Since(p.asked) < askAgain {
		return p.verifier, p.err
	}
	kept := oidc.ClientContext(context.WithoutCancel(ctx), p.client) // go-oidc keeps it for its keys: it must not end with a call
	found, err := oidc.NewProvider(kept, p.issuer)
	p.asked = time.Now()
	switch {
	case err == nil:
		p.verifier, p.err = found.Verifier(&oidc.Config{ClientID: p.audience, SupportedSigningAlgs: algorithms}), nil
	case strings.Contains(err.Error(), "did not match"):
		p.err = fault.New(fault.Invalid, "--oidc-issuer %s: %w", p.issuer, err)
	default:
		p.err = fault.New(fault.Unavailable, "the provider %s does not say what it is: %w", p.issuer, err)
		p.log.Warn("the provider of logins does not say what it is: it is asked again when somebody logs in", zap.String("issuer", p.issuer), zap.Error(err))
	}
	return p.verifier, p.err
}

// find verifies a token: who has signed it, for whom and when.
func (p *provider) find(ctx context.Context, text string) (i identity.Identity, err error) {
	verifier, err := p.known(ctx)
	if err != nil {
		return i, fault.New(fault.Unavailable, "the provider of logins does not answer: try again")
	}
	token, err := verifier.Verify(oidc.ClientContext(ctx, p.client), text)
	if err != nil {
		var late *oidc.TokenExpiredError
		switch {
		case errors.As(err, &late):
			return refused("the token has expired")
		case strings.Contains(err.Error(), "(not before)"):
			return refused("the token is not valid yet")
		case strings.Contains(err.Error(), "fetching keys"):
			return i, fault.New(fault.Unavailable, "the provider of logins does not give its keys: try again")
		}
		return i, fault.New(fault.Unauthenticated, "the token is not accepted: its issuer must be %s, its audience this server, and its signature the issuer's", p.issuer)
	}
	if token.Subject == "" {
		return refused("the token is of nobody: it has no subject")
	}
	var told struct {
		Groups []string `json:"groups"`
	}
	if err := token.Claims(&told); err != nil {
		return refused("the token's groups are no list of names")
	}
	i = identity.Identity{Name: Foreign + token.Subject, How: "oidc"}
	for _, g := range told.Groups {
		i.Groups = append(i.Groups, Foreign+g)
	}
	return i, nil
}

// Foreign begins the names of who comes from the provider, where others choose names, and of groups that it tells.
const Foreign = "oidc:"
