package objects

import (
	"bytes"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// kind is what an object is.
type kind uint8

const (
	unasked kind = iota
	unknown
	group
	dataset
	namedType
)

// kindOf tells what an object is by the messages of its header, as libhdf5 does (H5O__obj_class_real).
func kindOf(h *h5file.Header) kind {
	typed := h.Has(h5file.MsgType)
	switch {
	case h.Has(h5file.MsgSymbolTable) || h.Has(h5file.MsgLinkInfo):
		return group
	case typed && h.Has(h5file.MsgSpace):
		return dataset
	case typed:
		return namedType
	}
	return unknown
}

// kindAt is what the object is whose header is at addr.
func kindAt(s *h5file.Source, addr uint64) (kind, error) {
	h, err := s.Header(addr)
	if err != nil {
		return unasked, err
	}
	return kindOf(h), nil
}

// comment is an object's comment (IV.A.2.n), "" for none.
func comment(h *h5file.Header) string {
	for _, m := range h.Messages {
		if m.Type == h5file.MsgComment {
			text, _, _ := bytes.Cut(m.Data, []byte{0})
			return string(text)
		}
	}
	return ""
}
