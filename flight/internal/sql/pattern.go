package sql

import (
	"regexp"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
)

// maxPattern is as long as the names that there may be.
const maxPattern = 8 << 10

// pattern is one of SQL's LIKE: % is any run of characters, _ one, and \ takes the character behind it as it is. Nil takes all.
type pattern struct{ re *regexp.Regexp }

func newPattern(like *string) (pattern, error) {
	if like == nil {
		return pattern{}, nil
	}
	if len(*like) > maxPattern {
		return pattern{}, fault.New(fault.Invalid, "a pattern of names has %d bytes, more than %d", len(*like), maxPattern)
	}
	var b strings.Builder
	escaped := false
	for _, r := range *like {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if escaped {
		b.WriteString(`\\`)
	}
	re, err := regexp.Compile(`(?s)^(?:` + b.String() + `)$`)
	if err != nil { // no UTF-8
		return pattern{}, fault.New(fault.Invalid, "a pattern of names: %w", err)
	}
	return pattern{re}, nil
}

func (p pattern) match(name string) bool { return p.re == nil || p.re.MatchString(name) }
