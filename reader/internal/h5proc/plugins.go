package h5proc

import (
	"context"
	"sync"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
)

// Plugins remembers which filters plug-ins undo: the environment of the helpers never changes. Safe for concurrent use.
type Plugins struct {
	foreign Unfilter
	off     bool
	mu      sync.Mutex
	known   map[uint16]error
}

// NewPlugins asks helpers; off: there are no plug-ins.
func NewPlugins(foreign Unfilter, off bool) *Plugins {
	return &Plugins{foreign: foreign, off: off, known: map[uint16]error{}}
}

// Undoes asks for a filter's plug-in, once. The answer is for all requests: none of their contexts may end the question,
// which the time-out of a call does. Errors: fault.Unsupported; any other passes and is not kept.
func (p *Plugins) Undoes(s filter.Spec) error {
	if p.off {
		return fault.New(fault.Unsupported, "filter: open %s: this build does not decode it, and plug-ins are off: serve with --plugins on", filter.Title(s))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	err, ok := p.known[s.ID]
	if !ok {
		err = p.foreign.Find(context.Background(), s.ID)
		if err == nil || fault.Of(err) == fault.Unsupported {
			p.known[s.ID] = err
		}
	}
	if fault.Of(err) != fault.Unsupported {
		return err
	}
	return filter.Undecoded(s, "this build does not decode it, and "+err.Error())
}
