package filter

// measured is a decoder whose buffers are others than its output, of n bytes at most. last: it is the last to be undone.
type measured interface {
	buffers(n int, last bool) (out, temp int)
}

// innerBlocks is what codecs that work in blocks get for them: few are of more than 1 MiB, and they are needed twice.
const innerBlocks = 2 << 20

// Buffers are the sizes of those that Decode takes for a chunk of so many bytes, beside what is stored.
func (p *Pipeline) Buffers(chunkBytes, elemSize int) []int {
	var turns [2]int
	temp, turn, planes := 0, 0, false
	grow := func(n int) {
		if n > 0 {
			turn ^= 1
			turns[turn] = max(turns[turn], n)
		}
	}
	for i := len(p.stages) - 1; i >= 0; i-- {
		want, err := p.expect(i, 0, chunkBytes)
		if err != nil {
			return nil // no such chunk is ever decoded
		}
		out, inner := want.n, 0
		if m, ok := p.stages[i].dec.(measured); ok {
			out, inner = m.buffers(want.n, i == 0)
		}
		temp = max(temp, inner)
		sh, ok := p.stages[i].dec.(shuffle)
		planes = ok && i == 0 && int(sh) != elemSize && sh != 1
		grow(out)
	}
	if planes { // of other elements than the dataset's
		grow(chunkBytes)
	}
	return []int{turns[0], turns[1], temp}
}

func (unused) buffers(int, bool) (out, temp int)     { return 0, 0 }
func (fletcher32) buffers(int, bool) (out, temp int) { return 0, 0 }

func (sh shuffle) buffers(n int, last bool) (out, temp int) {
	if last || sh.idle(n) {
		return 0, 0
	}
	return n, 0
}

func (z szip) buffers(n int, last bool) (out, temp int) {
	coded := z.coded(n)
	switch {
	case z.shuffled > 0 && last:
		return coded, 0
	case z.shuffled > 0 || z.pad > 0:
		return n, coded
	}
	return n, 0
}

func (v vbz) buffers(n int, _ bool) (out, temp int) {
	if !v.zstd {
		return n, 0
	}
	return n, v.packed(n / v.width)
}

func (blosc1) buffers(n int, _ bool) (out, temp int)     { return n, min(2*n, innerBlocks) }
func (blosc2) buffers(n int, _ bool) (out, temp int)     { return n, min(4*n, 2*innerBlocks) }
func (bitshuffle) buffers(n int, _ bool) (out, temp int) { return n, min(2*n, innerBlocks) }
