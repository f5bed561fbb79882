package filter

import "context"

// Plugin undoes a filter that this package does not decode: src, which stays as it is, becomes at most most bytes, in what
// out gives for that many, once at most. It may block until the context ends. It is safe for concurrent use.
type Plugin func(ctx context.Context, src []byte, most int, out func(n int) []byte) ([]byte, error)

func (p Plugin) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	return p(s.Context, src, want.n, s.out)
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
