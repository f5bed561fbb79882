package filter

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/mtflight/mtflight/internal/fault"
)

// maxFilters is H5Z_MAX_NFILTERS: the filter mask has 32 bits.
const maxFilters = 32

// Spec is one filter of a dataset's pipeline as the file says it, in the order in which the filters were applied.
type Spec struct {
	ID       uint16
	Optional bool
	Name     string
	Params   []uint32 // the client data values
}

// Result is a decoded chunk. Data belongs to the Scratch or is (part of) the source.
type Result struct {
	Data []byte
	// Planes says, if not 0, that Data is still shuffled: so many elements at a time lie as planes, byte k of element i
	// of n at k*n+i; the last ones may be fewer. The len(Data)%Elem bytes after the planes are as they were.
	Planes int
	Elem   int // bytes of the shuffled element, if Planes
}

// decoder undoes one filter with its parameters. It is safe for concurrent use.
type decoder interface {
	// decode returns src decoded: at most want.n bytes, and a different length is an error if want.exact. The result
	// is part of src, or a buffer that s.out returned; out is called at most once.
	decode(s *Scratch, src []byte, want size) ([]byte, error)
}

// size is what is known about a decoder's output: its length, or only an upper limit.
type size struct {
	n     int
	exact bool
}

func (z size) check(n int) error {
	if n > z.n || z.exact && n != z.n {
		return fmt.Errorf("%d bytes decoded where the chunk has %d", n, z.n)
	}
	return nil
}

// planar is a decoder that can leave a shuffle to the caller. Then the result has Planes.
type planar interface {
	planes(s *Scratch, src []byte, want size) (Result, error)
}

// stage is a filter of a pipeline. A filter whose output is longer than its input by a fixed number of bytes says so in
// grows; then the size before it tells the size after it.
type stage struct {
	name  string
	dec   decoder
	fixed bool
	grows int
}

// Pipeline undoes the filters of a dataset's chunks. It is immutable and safe for concurrent use.
type Pipeline struct {
	stages []stage
}

// New checks a pipeline for elements of elemSize bytes. A filter that this build doesn't decode is an error of kind
// fault.Unsupported, parameters that no writer can have meant are fault.DataLoss.
func New(specs []Spec, elemSize int) (*Pipeline, error) { return NewWith(specs, elemSize, nil) }

// NewWith is New with plug-ins for what this build doesn't decode: plugin gives the one of a filter, or an error of kind
// fault.Unsupported. Decoding then needs a Context in the Scratch.
func NewWith(specs []Spec, elemSize int, plugin func(Spec) (Plugin, error)) (*Pipeline, error) {
	if len(specs) > maxFilters {
		return nil, fault.New(fault.DataLoss, "filter: open pipeline: %d filters, HDF5 has at most %d", len(specs), maxFilters)
	}
	p := &Pipeline{stages: make([]stage, len(specs))}
	for i, spec := range specs {
		var err error
		switch e, why := find(spec); {
		case spec.ID == Unused:
			p.stages[i] = stage{name: "unused", dec: unused{}, fixed: true}
		case why == nil:
			p.stages[i], err = e.stage(spec, elemSize)
		case plugin == nil:
			err = why
		default:
			p.stages[i].name = Title(spec)
			p.stages[i].dec, err = plugin(spec)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (e *entry) stage(spec Spec, elemSize int) (stage, error) {
	dec, err := e.open(spec.Params, elemSize)
	if err != nil {
		return stage{}, paramFault(e.info.Name, spec, err)
	}
	return stage{name: e.info.Name, dec: dec, fixed: e.fixed, grows: e.grows}, nil
}

func paramFault(name string, spec Spec, err error) error {
	kind := error(fault.DataLoss)
	if k := fault.Of(err); k != nil {
		kind = k
	}
	return fault.New(kind, "filter: open %s (id %d) with parameters %d: %w", name, spec.ID, spec.Params, err)
}

// Decode undoes the filters of one chunk, from the last to the first. Bit i of mask says that filter i was skipped when
// the chunk was written. chunkBytes is the exact size of the decoded chunk; the caller has bounded it. A shuffle that is
// undone last is left to the caller (Result.Planes), who can do it on the way to the data's destination. Errors are of
// kind fault.DataLoss, or fault.Unsupported if a container (Blosc2) holds something that isn't decoded. The result is
// valid until the next Decode with s.
func (p *Pipeline) Decode(s *Scratch, src []byte, mask uint32, chunkBytes int) (Result, error) {
	data := src
	for i := len(p.stages) - 1; i >= 0; i-- {
		if mask>>i&1 != 0 {
			continue
		}
		s.final = p.last(i, mask)
		r, err := p.undo(s, data, i, mask, chunkBytes)
		if err != nil || r.Planes > 0 {
			return r, err
		}
		data = r.Data
	}
	return whole(data, chunkBytes)
}

// undo undoes filter i. Only the last to be undone may leave planes.
func (p *Pipeline) undo(s *Scratch, src []byte, i int, mask uint32, chunkBytes int) (r Result, err error) {
	st := &p.stages[i]
	want, err := p.expect(i, mask, chunkBytes)
	if pl, ok := st.dec.(planar); err == nil && ok && s.final {
		r, err = pl.planes(s, src, want)
	} else if err == nil {
		r.Data, err = st.dec.decode(s, src, want)
	}
	if err == nil {
		err = want.check(len(r.Data))
	}
	if err != nil {
		return Result{}, decodeFault(st.name, err)
	}
	return r, nil
}

// DecodeInto is Decode with the chunk's bytes going to dst, which is as long as the chunk; no shuffle is left. After an
// error dst holds anything.
func (p *Pipeline) DecodeInto(s *Scratch, src []byte, mask uint32, dst []byte) error {
	s.dst = dst[:len(dst):len(dst)]
	r, err := p.Decode(s, src, mask, len(dst))
	s.dst = nil
	switch {
	case err != nil:
		return err
	case r.Planes > 0:
		r.unshuffle(dst)
	case unsafe.SliceData(r.Data) != unsafe.SliceData(dst):
		copy(dst, r.Data)
	}
	return nil
}

// decodeFault is of kind fault.DataLoss unless err says that the chunk needs something that isn't served, or that nobody
// waits for it any more.
func decodeFault(name string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	kind := error(fault.DataLoss)
	if k := fault.Of(err); k != nil {
		kind = k
	}
	return fault.New(kind, "filter: decode %s: %w", name, err)
}

func whole(data []byte, chunkBytes int) (Result, error) {
	if len(data) != chunkBytes {
		return Result{}, fault.New(fault.DataLoss, "filter: decode chunk: %d bytes where the chunk has %d", len(data), chunkBytes)
	}
	return Result{Data: data}, nil
}

// last says whether no filter is left to undo after filter i.
func (p *Pipeline) last(i int, mask uint32) bool {
	applied := ^mask & (1<<i - 1)
	return applied == 0
}

// expect returns the size that filter i's output must have: exact if the sizes of all filters still to be undone follow
// from the chunk's, else a limit.
func (p *Pipeline) expect(i int, mask uint32, chunkBytes int) (size, error) {
	limit, err := loose(chunkBytes)
	n := chunkBytes
	for j, st := range p.stages[:i] {
		if mask>>j&1 != 0 {
			continue
		}
		if !st.fixed {
			return limit, err
		}
		n += st.grows
	}
	return size{n: n, exact: true}, err
}

// loose is a limit that leaves room for codecs which made their input bigger.
func loose(chunkBytes int) (size, error) {
	const slack = 64 << 10
	if chunkBytes < 0 || chunkBytes > (maxInt-slack)/2 {
		return size{}, fmt.Errorf("a chunk of %d bytes is impossible", chunkBytes)
	}
	return size{n: 2*chunkBytes + slack}, nil
}

const maxInt = int(^uint(0) >> 1)
