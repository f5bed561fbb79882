package filter

// Front is the part of a chunk that is asked for: the first Elems of its elements of Size bytes, of each the first Bytes.
// All three are at least one.
type Front struct{ Elems, Size, Bytes int }

// fronted is a decoder that can stop early: front gives at least the first n bytes of what decode gives, which has total. It
// is false where the stream does not get there in order, is damaged, or where nothing is won; decode has to tell then.
type fronted interface {
	front(s *Scratch, src []byte, total, n int) ([]byte, bool)
}

var (
	_ fronted = deflate{}
	_ fronted = lzf{}
	_ fronted = lz4Filter{}
	_ fronted = zstdFilter{}
	_ fronted = bzip2Filter{}
)

// DecodeFront is Decode of a part, where stopping behind it saves at least an eighth of the work; else it is false, also where
// the chunk is damaged, and Decode has to be called. The last planes or elements may be missing in the result, beyond those
// asked for. A checksum over stored bytes is checked, and no part is taken where one is over decoded ones, but deflate's
// own, which is at the end of its stream.
func (p *Pipeline) DecodeFront(s *Scratch, src []byte, mask uint32, chunkBytes int, f Front) (Result, bool) {
	i, shuffled, ok := p.opener(mask, chunkBytes, f.Size)
	if !ok {
		return Result{}, false
	}
	n, r := (f.Elems-1)*f.Size+f.Bytes, Result{}
	if shuffled {
		r.Planes, r.Elem = chunkBytes/f.Size, f.Size
		n = f.Bytes * r.Planes
	}
	if !saves(n, chunkBytes) {
		return Result{}, false
	}
	s.final = false
	for j := len(p.stages) - 1; j > i; j-- {
		if mask>>j&1 != 0 {
			continue
		}
		outer, err := p.undo(s, src, j, mask, chunkBytes)
		if err != nil {
			return Result{}, false
		}
		src = outer.Data
	}
	r.Data, ok = p.stages[i].dec.(fronted).front(s, src, chunkBytes, n)
	return r, ok
}

// saves tells whether stopping behind n bytes of all is worth the trial.
func saves(n, all int) bool { return n <= all-all/8 }

// opener is the filter whose output is the chunk, but for a shuffle of the dataset's elements; false where there is another
// one behind it, or where it can't stop early.
func (p *Pipeline) opener(mask uint32, chunkBytes, elem int) (at int, shuffled, ok bool) {
	for i := range p.stages {
		if mask>>i&1 != 0 {
			continue
		}
		if sh, is := p.stages[i].dec.(shuffle); is && !shuffled {
			if sh.idle(chunkBytes) {
				continue
			}
			if int(sh) != elem || chunkBytes%elem != 0 {
				return 0, false, false
			}
			shuffled = true
			continue
		}
		_, ok = p.stages[i].dec.(fronted)
		return i, shuffled, ok
	}
	return 0, false, false
}
