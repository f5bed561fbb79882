package filter

import "github.com/mtflight/mtflight/internal/fault"

// DecodeShort is Decode for chunks that some writers cut off: the last chunk along an axis stored with no more than its
// rows inside the extent, or a chunk with bytes behind its elements. libhdf5 takes a chunk of any length. Of chunkBytes
// the first need must be there; what is missing behind them becomes zeros. The result is never shuffled.
func (p *Pipeline) DecodeShort(s *Scratch, src []byte, mask uint32, chunkBytes, need int) (Result, error) {
	want, err := loose(chunkBytes)
	if err != nil {
		return Result{}, decodeFault("chunk", err)
	}
	data := src
	for i := len(p.stages) - 1; i >= 0; i-- {
		if mask>>i&1 != 0 {
			continue
		}
		if data, err = p.stages[i].dec.decode(s, data, want); err == nil {
			err = want.check(len(data))
		}
		if err != nil {
			return Result{}, decodeFault(p.stages[i].name, err)
		}
	}
	if len(data) < need {
		return Result{}, fault.New(fault.DataLoss, "filter: decode chunk: %d bytes where %d of its %d are inside the extent", len(data), need, chunkBytes)
	}
	return Result{Data: padded(s, data, chunkBytes)}, nil
}

// padded returns data with n bytes, cut or filled up with zeros.
func padded(s *Scratch, data []byte, n int) []byte {
	if len(data) >= n {
		return data[:n]
	}
	out := s.out(n)
	clear(out[copy(out, data):])
	return out
}
