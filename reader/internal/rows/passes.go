package rows

import "github.com/mtflight/mtflight/protocol"

// PassesOf says how often, and in which order, blocks of the result's rows come.
func PassesOf(s *protocol.Stream) Passes {
	if s == nil {
		return Once()
	}
	p := Passes{Cycles: 1, Rest: s.Remainder, Seed: s.Shuffle, Mix: s.ShuffleRows, First: s.FromBlock, Last: s.ToBlock}
	if s.Cyclic {
		p.Cycles = -1
		if s.Cycles != nil {
			p.Cycles = *s.Cycles
		}
	}
	return p
}
