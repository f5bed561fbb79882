package filter

import (
	"io"
	"math"
)

// verbatim is a decoder whose encoder may have stored the bytes as they were.
type verbatim interface {
	// verbatimAt is where in an encoded chunk its n bytes lie, if they do so.
	verbatimAt(src *io.SectionReader, n int) (int64, bool)
}

var (
	_ verbatim = blosc1{}
	_ verbatim = blosc2{}
)

// Verbatim is where in a stored chunk its elements lie as they are, chunkBytes of them, if they do. It reads headers only;
// Decode says what is wrong with them.
func (p *Pipeline) Verbatim(src *io.SectionReader, mask uint32, chunkBytes int64) (int64, bool) {
	var left []decoder
	for i, st := range p.stages {
		if mask>>i&1 == 0 {
			left = append(left, st.dec)
		}
	}
	if len(left) == 0 {
		return 0, src.Size() == chunkBytes
	}
	b, ok := left[0].(verbatim)
	if len(left) > 1 || !ok || chunkBytes <= 0 || chunkBytes > math.MaxInt32 {
		return 0, false
	}
	return b.verbatimAt(src, int(chunkBytes))
}

// verbatimAt is part of verbatim.
func (blosc1) verbatimAt(src *io.SectionReader, n int) (int64, bool) {
	c, ok := headerAt(src, 0)
	return int64(c.header), ok && c.version <= blosc1Format && !c.extended && c.copied() && c.nbytes == n
}

// verbatimAt is part of verbatim: for frames of one chunk.
func (blosc2) verbatimAt(src *io.SectionReader, n int) (int64, bool) {
	head, err := part(src, 0, 512)
	if err != nil {
		return 0, false
	}
	base, at := int64(0), int64(0)
	if isFrame(head) {
		f, err := parseFrameHead(head, uint64(src.Size()))
		if err != nil {
			return 0, false
		}
		var ok bool
		if at, ok = f.onlyChunk(src, n); !ok {
			return 0, false
		}
		base, src = int64(f.header), io.NewSectionReader(src, int64(f.header), int64(f.end-f.header))
	}
	c, ok := headerAt(src, at)
	return base + at + int64(c.header), ok && c.copied() && c.nbytes == n
}

// onlyChunk is where among the stored chunks the only one lies, if its n bytes are in their order; false for others.
func (f *frame2) onlyChunk(src *io.SectionReader, n int) (int64, bool) {
	const longest = 4096 // of an index with one entry
	if f.meta != nil || f.nbytes != n || f.chunksize < n || f.total-f.end > longest {
		return 0, false
	}
	var err error
	if f.index, err = part(src, int64(f.end), int64(f.total-f.end)); err != nil {
		return 0, false
	}
	s := NewScratch(func(n int) []byte { return make([]byte, n) }, func([]byte) {})
	defer s.Release()
	offsets, err := f.offsets(s, size{n: n, exact: true})
	if err != nil || offsets[0] < 0 || uint64(offsets[0]) > f.end-f.header {
		return 0, false
	}
	return offsets[0], true
}

// headerAt is a Blosc chunk of which only the header is looked at.
func headerAt(src *io.SectionReader, at int64) (bloscChunk, bool) {
	head, err := part(src, at, 32)
	if err != nil {
		return bloscChunk{}, false
	}
	c, err := parseBloscIn(head, int(min(src.Size()-at, math.MaxInt32)))
	return c, err == nil
}

// part is up to n bytes from at on.
func part(src *io.SectionReader, at, n int64) ([]byte, error) {
	b := make([]byte, min(n, max(0, src.Size()-at)))
	_, err := src.ReadAt(b, at)
	if err == io.EOF {
		err = nil
	}
	return b, err
}
