package chunkindex

import "github.com/mtflight/mtflight/internal/fault"

func (s *source) fromSharedHeap(typ uint16, id []byte) ([]byte, error) {
	return nil, fault.New(fault.Unsupported, "chunkindex: message %#x is in the heap of shared messages", typ)
}
