package filter

import "context"

// Scratch holds the buffers that a worker decodes into: two that take turns, since each filter reads the other's output,
// two for blocks inside a codec, and one for what plug-ins have undone ahead. It is not safe for concurrent use. Decoded data stays valid until the next Decode.
type Scratch struct {
	Context context.Context // of what plug-ins do

	alloc func(int) []byte
	free  func([]byte)
	bufs  [2][]byte
	turn  int
	inner [2][]byte
	ahead []byte

	dst   []byte // of DecodeInto, else nil
	final bool   // the filter at work is the last to be undone
}

// NewScratch returns an empty Scratch. alloc(n) returns at least n bytes, whose contents don't matter; free takes them
// back. Either may be nil: then the buffers are Go's own.
func NewScratch(alloc func(n int) []byte, free func([]byte)) *Scratch {
	if alloc == nil {
		alloc = func(n int) []byte { return make([]byte, n) }
	}
	if free == nil {
		free = func([]byte) {}
	}
	return &Scratch{alloc: alloc, free: free}
}

// Release gives the buffers back. The results of earlier Decodes are invalid from then on; the Scratch may be used again.
func (s *Scratch) Release() {
	for i := range s.bufs {
		s.drop(&s.bufs[i])
	}
	for i := range s.inner {
		s.drop(&s.inner[i])
	}
	s.drop(&s.ahead)
}

// out returns n bytes that don't overlap with the previous result of out.
func (s *Scratch) out(n int) []byte {
	if s.final && s.dst != nil && n == len(s.dst) {
		return s.dst
	}
	s.turn ^= 1
	return s.grow(&s.bufs[s.turn], n)
}

// temp returns n bytes that are valid until the next call of temp.
func (s *Scratch) temp(n int) []byte { return s.grow(&s.inner[0], n) }

// pair is another temp.
func (s *Scratch) pair(n int) []byte { return s.grow(&s.inner[1], n) }

func (s *Scratch) grow(buf *[]byte, n int) []byte {
	if cap(*buf) < n {
		s.drop(buf)
		*buf = s.alloc(n)
	}
	return (*buf)[:n]
}

func (s *Scratch) drop(buf *[]byte) {
	if *buf != nil {
		s.free(*buf)
		*buf = nil
	}
}
