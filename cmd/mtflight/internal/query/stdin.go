package query

import (
	"fmt"
	"io"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/output"
	"github.com/mtflight/mtflight/internal/fault"
)

// maxInput bounds the statements of an input, each of which a server takes up to 1 MiB of.
const maxInput = 64 << 20

// all asks every statement of an input, up to the first that fails.
func (s session) all(in io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if len(text) > maxInput {
		return fault.New(fault.Invalid, "standard input: more than %d MiB of statements", maxInput>>20)
	}
	statements, rest := split(string(text))
	if !blank(rest) {
		statements = append(statements, rest)
	}
	if len(statements) > 1 && s.to.Format != output.Table && s.to.Format != "none" {
		return fault.New(fault.Invalid, "standard input has %d statements, of which --format and -o take one", len(statements))
	}
	for _, one := range statements {
		if err := s.ask(one); err != nil {
			return err
		}
	}
	return nil
}
