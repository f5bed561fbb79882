// Package login tells who a call is from: by tokens of a file, by passwords, which give a bearer for an hour, by the tokens of an
// OpenID Connect provider, and by certificates. Ways are what was configured, and any of them suffices. Ways does not change and is
// safe for concurrent use; what counts attempts is handed on to the next one.
//
// Secrets are compared in constant time, and errors (fault.Unauthenticated) say nothing about who is known.
package login
