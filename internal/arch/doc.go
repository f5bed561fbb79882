// Package arch holds the architecture rules of docs/architecture.md as a test, so that `go test ./...` keeps them.
package arch
