package stage

import (
	"math"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
)

// Release is what a client hands back: a lease, or slots of its ring.
type Release struct {
	ID    string
	slots []int // nil: the lease itself
}

// ParseRelease reads what a client sends. Errors: fault.Invalid.
func ParseRelease(body []byte) (r Release, err error) {
	o, err := strict.Parse("release", body)
	if err == nil {
		err = o.BindAll("release", "", map[string]strict.Bind{"lease": strict.Text(&r.ID), "slots": slotNumbers(&r.slots)})
	}
	return r, err
}

// Of hands it back to the lease of its ID; with the last slot of a ring that is read to its end the lease ends, too.
func (r Release) Of(l *Lease) error {
	switch {
	case r.slots == nil:
		return l.End()
	case l.Ring == nil:
		return fault.New(fault.Invalid, "release: the lease is of a file, which has no slots")
	}
	last, err := l.Ring.Free(r.slots)
	if last {
		err = l.End()
	}
	return err
}

func slotNumbers(dst *[]int) strict.Bind {
	return func(v any) error {
		l, _, err := strict.Integers(v)
		if err != nil || slices.ContainsFunc(l, func(n int64) bool { return n < 0 || n > math.MaxInt32 }) {
			return strict.Expected("a list of slot numbers")
		}
		*dst = make([]int, len(l))
		for i, n := range l {
			(*dst)[i] = int(n)
		}
		return nil
	}
}
