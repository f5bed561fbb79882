package credentials

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
)

func newUser() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Keep the passwords by which clients log in", Args: cobra.NoArgs, RunE: help}
	c.AddCommand(newUserAdd())
	return c
}

func newUserAdd() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "add --auth-users FILE NAME",
		Short: "Add a user, or give another password",
		Long: `Ask for a password (or take the first line of standard input, where that is no terminal) and put its argon2id hash into FILE, which
is made if need be. A line less in FILE ends a user's logins. Running servers read FILE when it changes.`,
		Example: `  mtflight user add --auth-users /etc/mtflight/users ann`,
		Args:    one,
		RunE: func(c *cobra.Command, args []string) error {
			password, err := askPassword(c.InOrStdin(), c.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			line, err := flight.HashPassword(args[0], password)
			if err != nil {
				return err
			}
			return change(file, func(lines []string) []string { return append(without(lines, args[0]+":"), line) })
		},
	}
	c.Flags().StringVar(&file, "auth-users", "", "file of passwords' hashes")
	_ = c.MarkFlagRequired("auth-users")
	return c
}

// askPassword reads a password, unseen and twice from a terminal.
func askPassword(in io.Reader, say io.Writer, name string) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		if err != nil && line == "" {
			return "", fault.New(fault.Invalid, "no password: write it as the first line of standard input")
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var twice [2]string
	for i, prompt := range []string{"password of " + name + ": ", "again: "} {
		fmt.Fprint(say, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(say)
		if err != nil {
			return "", fault.New(fault.Invalid, "the password cannot be read: %w", err)
		}
		twice[i] = string(b)
	}
	if twice[0] != twice[1] {
		return "", fault.New(fault.Invalid, "the two passwords differ")
	}
	return twice[0], nil
}
