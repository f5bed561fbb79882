// Package credentials has the commands that make what servers and clients log in with: token, user, cert.
package credentials

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/secret"
)

// Commands are all of them.
func Commands() []*cobra.Command { return []*cobra.Command{newToken(), newUser(), newCert()} }

// one accepts one argument.
func one(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fault.New(fault.Invalid, "%s: one NAME is expected: write `%s`", c.Name(), c.UseLine())
	}
	return nil
}

func newToken() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Make tokens by which clients log in", Args: cobra.NoArgs, RunE: help}
	c.AddCommand(newTokenNew())
	return c
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

func newTokenNew() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "new --auth-tokens FILE NAME",
		Short: "Make a token for somebody and print it, the last line of what is printed",
		Long: `Make a token of 256 random bits, print it and add its hash to FILE, which is made if need be. The token itself is kept
nowhere: who loses it gets another one. A line less in FILE ends a token. Running servers read FILE when it changes.`,
		Example: `  (umask 077; mtflight token new --auth-tokens /etc/mtflight/tokens ann > ann.token)`,
		Args:    one,
		RunE: func(c *cobra.Command, args []string) error {
			token, line, err := flight.NewToken(args[0])
			if err != nil {
				return err
			}
			if err := change(file, func(lines []string) []string { return append(lines, line) }); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), token)
			return err
		},
	}
	c.Flags().StringVar(&file, "auth-tokens", "", "file of tokens' hashes")
	_ = c.MarkFlagRequired("auth-tokens")
	return c
}

// change rewrites the lines of a file, which may not be there yet.
func change(path string, with func(lines []string) []string) error {
	content, err := secret.Read(path)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	var lines []string
	if text := strings.TrimRight(string(content), "\n"); text != "" {
		lines = strings.Split(text, "\n")
	}
	return secret.Write(path, []byte(strings.Join(with(lines), "\n")+"\n"))
}

// without leaves out the lines that begin so.
func without(lines []string, start string) []string {
	return slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, start) })
}

// occupied refuses paths at which something is.
func occupied(paths ...string) error {
	for _, p := range paths {
		if _, err := os.Lstat(p); err == nil {
			return fault.New(fault.Invalid, "%s is there already: remove it first, or choose another name", p)
		}
	}
	return nil
}
