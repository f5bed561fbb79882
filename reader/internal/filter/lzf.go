package filter

import "fmt"

var lzfEntry = entry{
	info: Info{ID: 32000, Name: "lzf", Params: "filter revision, LZF version, chunk bytes", Code: "own Go"},
	open: func([]uint32, int) (decoder, error) { return lzf{}, nil },
}

// lzf is h5py's LZF filter: one LZF block (http://oldhome.schmorp.de/marc/liblzf.html). A chunk that didn't shrink was
// stored with its bit in the filter mask.
type lzf struct{}

func (lzf) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	dst := s.out(want.n)
	n, err := lzfBlock(dst, src)
	if err != nil {
		return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
	}
	return dst[:n], nil
}

// front is part of fronted.
func (lzf) front(s *Scratch, src []byte, total, n int) ([]byte, bool) {
	const longest = 2 + 7 + 255 // match: the block is decoded up to the first one that has no room
	dst := s.out(min(total, n+longest))
	done, err := lzfBlock(dst, src)
	return dst[:n], done >= n && (err == nil || err == errTooLong)
}

// lzfBlock decodes an LZF block: control bytes below 32 copy so many bytes plus one from the stream; others copy a match
// whose length less two is in the high three bits (7: add the next byte) and whose distance less one is in 13 bits. With errTooLong
// it says how many bytes it has decoded until then.
func lzfBlock(dst, src []byte) (int, error) {
	ip, op := 0, 0
	for ip < len(src) {
		ctrl := int(src[ip])
		ip++
		if ctrl < 32 {
			n := ctrl + 1
			if n > len(src)-ip {
				return 0, errStream
			}
			if n > len(dst)-op {
				return op, errTooLong
			}
			copyLiterals(dst[op:], src[ip:], n)
			op, ip = op+n, ip+n
			continue
		}
		n := ctrl >> 5
		if n == 7 && ip < len(src) {
			n += int(src[ip])
			ip++
		}
		if ip >= len(src) {
			return 0, errStream
		}
		n, dist := n+2, ctrl&31<<8+int(src[ip])+1
		ip++
		if dist > op {
			return 0, errStream
		}
		if n > len(dst)-op {
			return op, errTooLong
		}
		copyMatch(dst, op, dist, n)
		op += n
	}
	return op, nil
}
