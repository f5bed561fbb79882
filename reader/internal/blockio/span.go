package blockio

// Extent is a byte range of a file.
type Extent struct {
	Addr, Size uint64
}

// Span is extents that are read together: First to Last (exclusive) of the list it was planned from.
type Span struct {
	Extent
	First, Last int
}

// Spans joins neighbours of a list of extents, in its order, while they ascend, the gap between two is at most gap
// bytes and the whole at most size bytes. An extent over size is a span of its own.
func Spans(extents []Extent, gap, size uint64) []Span {
	var out []Span
	for i, e := range extents {
		if n := len(out); n > 0 && joins(out[n-1].Extent, e, gap, size) {
			out[n-1].Size = e.Addr + e.Size - out[n-1].Addr
			out[n-1].Last = i + 1
			continue
		}
		out = append(out, Span{Extent: e, First: i, Last: i + 1})
	}
	return out
}

func joins(s, e Extent, gap, size uint64) bool {
	end := s.Addr + s.Size
	return e.Addr >= end && e.Addr-end <= gap && e.Size <= size && e.Addr+e.Size-s.Addr <= size
}
