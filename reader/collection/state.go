package collection

import (
	"net/url"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// states is what a ticket says of the files that it names, and of others without which the columns would be other ones.
type states struct {
	files []string // of each file; nil: any
	like  []other
}

type other struct{ name, state string }

const setPrefix = "set."

// maxLike bounds the files that a ticket's columns are of, which are looked into before its own.
const maxLike = 10_000

// text is Request.State: nothing of one machine.
func (s states) text() string {
	var b strings.Builder
	b.WriteString(setPrefix + strings.Join(s.files, "."))
	for _, o := range s.like {
		b.WriteString("~" + url.QueryEscape(o.name) + "." + o.state)
	}
	return b.String()
}

// Like are the names of files that a ticket's columns are of beside its own. Errors: fault.Invalid.
func Like(r reader.Request) (names []string, err error) {
	s, err := statesOf(r.State)
	for _, o := range s.like {
		names = append(names, o.name)
	}
	return names, err
}

// statesOf reads Request.State.
func statesOf(text string) (s states, err error) {
	if text == "" {
		return s, nil
	}
	rest, ok := strings.CutPrefix(text, setPrefix)
	if !ok {
		return s, fault.New(fault.Changed, "the ticket was issued for one file, and there are several now: ask GetFlightInfo for a new ticket")
	}
	parts := strings.Split(rest, "~")
	if len(parts) > maxLike {
		return s, fault.New(fault.Invalid, "request: member state names %d files beside its own, at most %d are possible", len(parts)-1, maxLike-1)
	}
	s.files = strings.Split(parts[0], ".")
	for _, p := range parts[1:] {
		at := strings.LastIndexByte(p, '.')
		if at < 0 {
			return s, fault.New(fault.Invalid, "request: member state is not as a server writes it")
		}
		name, err := url.QueryUnescape(p[:at])
		if err != nil || name == "" {
			return s, fault.New(fault.Invalid, "request: member state is not as a server writes it")
		}
		s.like = append(s.like, other{name, p[at+1:]})
	}
	return s, nil
}

// check tells whether there are as many files as the ticket was issued for. Errors: fault.Changed.
func (s states) check(files, like int) error {
	if s.files != nil && len(s.files) != files || len(s.like) != like {
		return fault.New(fault.Changed, "the ticket was issued for %d files, and there are %d now: ask GetFlightInfo for a new ticket", len(s.files), files)
	}
	return nil
}
