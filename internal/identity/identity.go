// Package identity says for whom a call is answered. The server attaches an Identity to the context of each call, and who
// decides what may be read, or writes a log, asks the context for it.
package identity

import (
	"context"
	"slices"
)

// Identity is who has logged in, and how. The zero value is a stranger: nobody has. Do not change its Groups.
type Identity struct {
	Name   string
	Groups []string // that the login itself tells; those of a server's own rules come on top
	How    string   // the way of the login: "token", "password", "oidc", "certificate"; "" of a stranger
}

// Known tells whether anybody has logged in.
func (i Identity) Known() bool { return i.How != "" }

// In tells whether the login says that the identity belongs to a group.
func (i Identity) In(group string) bool { return slices.Contains(i.Groups, group) }

type key struct{}

// With is a context of calls for an identity.
func With(ctx context.Context, i Identity) context.Context { return context.WithValue(ctx, key{}, i) }

// Of is the identity that a context's call is answered for, a stranger's where none is attached.
func Of(ctx context.Context) Identity {
	i, _ := ctx.Value(key{}).(Identity)
	return i
}
