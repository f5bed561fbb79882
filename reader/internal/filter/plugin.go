package filter

import "context"

// Plugin undoes a filter that this package does not decode, of one chunk or several at once: each of chunks, which stay as
// they are, becomes at most most bytes, all of them in what out gives for their sum, once at most. Of several one that
// fails is nil; where one fails alone, or all do, it is an error. It may block until the context ends. It is safe for
// concurrent use.
type Plugin func(ctx context.Context, chunks [][]byte, most int, out func(n int) []byte) ([][]byte, error)

func (p Plugin) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	r, err := p(s.Context, [][]byte{src}, want.n, s.out)
	if err != nil {
		return nil, err
	}
	return r[0], nil
}

// Foreign names the filters that plug-ins undo.
func (p *Pipeline) Foreign() (names []string) {
	for _, s := range p.stages {
		if _, ok := s.dec.(Plugin); ok {
			names = append(names, s.name)
		}
	}
	return names
}

// Encoded is a stored chunk, and which filters are not to be undone.
type Encoded struct {
	Src  []byte
	Mask uint32
}

// aheadBytes is about how much Ahead undoes, so that asking costs little beside it.
const aheadBytes = 1 << 20

// AheadOf is how many chunks Ahead takes at once; 1 if it does nothing.
func (p *Pipeline) AheadOf(chunkBytes int) int {
	last := len(p.stages) - 1
	if last < 0 {
		return 1
	}
	if _, ok := p.stages[last].dec.(Plugin); !ok {
		return 1
	}
	return max(1, aheadBytes/max(1, chunkBytes))
}

// Ahead has a plug-in undo its filter of several chunks at once, where it is the first to be undone and the size of what
// comes is known: Decode costs a call of the plug-in for each. Those that it was undone of are then what is left to be
// decoded, valid until the next Ahead; others stay what they were, also where something failed: Decode tells what.
func (p *Pipeline) Ahead(s *Scratch, chunks []Encoded, chunkBytes int) {
	last := len(p.stages) - 1
	var which []int
	var srcs [][]byte
	most := 0
	for i, c := range chunks {
		if c.Mask>>last&1 != 0 {
			continue
		}
		want, err := p.expect(last, c.Mask, chunkBytes)
		if err == nil && want.exact && (most == 0 || most == want.n) {
			most, which, srcs = want.n, append(which, i), append(srcs, c.Src)
		}
	}
	if len(srcs) < 2 {
		return
	}
	done, err := p.stages[last].dec.(Plugin)(s.Context, srcs, most, func(n int) []byte { return s.grow(&s.ahead, n) })
	if err != nil {
		return
	}
	for k, i := range which {
		if len(done[k]) == most {
			chunks[i] = Encoded{done[k], chunks[i].Mask | 1<<last}
		}
	}
}
