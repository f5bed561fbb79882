// Package fault holds the kinds of error that cross package boundaries.
//
// A kind is a sentinel that is asked for with errors.Is; what happened is said by the message that wraps it. The
// service turns kinds into gRPC codes by one table (flight/errors.go), the command line into exit codes. An error
// without a kind is a bug of ours and becomes Internal.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is a kind of error, itself an error so that errors.Is can ask for it.
type Kind string

func (k Kind) Error() string { return string(k) }

// The kinds, grouped by whose turn it is.
const (
	// The caller's: the request has to change.
	Invalid         Kind = "invalid request"     // malformed, unknown member, bad condition
	NotFound        Kind = "not found"           // no such file, dataset or column
	Denied          Kind = "permission denied"   // outside the roots, or a file or directory that may not be read
	Unauthenticated Kind = "not logged in"       // no login, or one that is not accepted
	OutOfRange      Kind = "out of range"        // coordinates outside the data
	Precondition    Kind = "failed precondition" // data that the options can't express

	// The file's: another file, or another writer.
	Unsupported Kind = "not supported"           // type, filter or layout that is not served
	DataLoss    Kind = "data cannot be read"     // truncated, wrong checksum, undecodable
	Changed     Kind = "file changed while read" // under a running stream

	// The server's: the same request may succeed later.
	Exhausted   Kind = "resources exhausted" // memory or request budget
	Unavailable Kind = "unavailable"         // draining
)

// Kinds lists every kind, most specific meaning first.
func Kinds() []error {
	return []error{Invalid, NotFound, Denied, Unauthenticated, OutOfRange, Precondition, Unsupported, DataLoss, Changed, Exhausted, Unavailable}
}

type kinded struct {
	kind error
	msg  string
	err  error // wrapped cause, may be nil
}

func (e *kinded) Error() string { return e.msg }

func (e *kinded) Unwrap() []error {
	if e.err == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.err}
}

// Rooms are the packages whose names messages start with in the source, for who looks for them there. They tell users
// nothing. Names that users know, of commands, actions and members of requests, are not among them.
var Rooms = []string{"catalog", "chunkindex", "chunkstats", "client", "convert", "flight", "gheap", "h5c", "h5file", "h5proc",
	"h5type", "indexdir", "ptindex", "replicas", "vds"}

// New returns an error of a kind. The message is the whole text, without the name of one of Rooms at the start of format;
// the kind's own words are not added. A %w verb keeps the cause for errors.Is, but the kind given here is found first by Of.
func New(kind error, format string, args ...any) error {
	if room, rest, found := strings.Cut(format, ": "); found && slices.Contains(Rooms, room) {
		format = rest
	}
	e := fmt.Errorf(format, args...)
	if kind == DataLoss && errors.Is(e, Unavailable) { // what could not be read just now may be whole
		kind = Unavailable
	}
	return &kinded{kind: kind, msg: e.Error(), err: e}
}

// later is an error of what may succeed at another time.
type later struct{ error }

func (l later) Unwrap() error { return l.error }

// Later says that what has failed may succeed soon.
func Later(err error) error { return later{err} }

// IsLater tells whether Later has said so.
func IsLater(err error) bool { return errors.As(err, new(later)) }

// Of returns the outermost kind of err, or nil if it has none.
func Of(err error) error {
	for err != nil {
		if k, ok := err.(*kinded); ok {
			return k.kind
		}
		switch u := err.(type) {
		case interface{ Unwrap() error }:
			err = u.Unwrap()
		case interface{ Unwrap() []error }:
			return ofMany(u.Unwrap())
		default:
			return bare(err)
		}
	}
	return nil
}

func ofMany(errs []error) error {
	for _, e := range errs {
		if k := Of(e); k != nil {
			return k
		}
	}
	return nil
}

func bare(err error) error {
	for _, k := range Kinds() {
		if err == k {
			return k
		}
	}
	return nil
}
