package h5file

import "github.com/mtflight/mtflight/internal/fault"

// sharedMessage returns a message of a type from the file's heap of shared messages.
func (s *Source) sharedMessage(t MessageType, id []byte) ([]byte, error) {
	h, err := s.SharedHeap(t)
	if err != nil {
		return nil, err
	}
	return h.Object(id)
}

// SharedHeap is the heap of the file's shared messages of a type (III.H, IV.A.2.p): the superblock extension leads to a
// table of indexes, one of which is for the type and names a fractal heap.
func (s *Source) SharedHeap(t MessageType) (*Heap, error) {
	if t == MsgOldFill { // both kinds of fill value have one flag (H5SM.c, H5SM_type_to_flag)
		t = MsgFill
	}
	if h := s.shared[t]; h != nil {
		return h, nil
	}
	addr, err := s.sharedHeapAddr(t)
	if err != nil {
		return nil, err
	}
	h, err := s.Heap(addr)
	if err != nil {
		return nil, err
	}
	if s.shared == nil {
		s.shared = map[MessageType]*Heap{}
	}
	s.shared[t] = h
	return h, nil
}

func (s *Source) sharedHeapAddr(t MessageType) (uint64, error) {
	if s.File.ext == Undefined {
		return 0, noSharedHeap(t)
	}
	ext, err := s.Header(s.File.ext)
	if err != nil {
		return 0, err
	}
	c := s.File.Cursor(ext.first(MsgSharedTable).Data)
	c.Skip(1)
	table, indexes := c.Addr(), uint64(c.U8())
	if c.Short {
		return 0, noSharedHeap(t)
	}
	const fixed = 14 // bytes of an index without its addresses
	b, err := s.Block(table, 4+indexes*uint64(fixed+2*c.O)+4, "SMTB")
	if err != nil {
		return 0, err
	}
	c = s.File.Cursor(b[4:])
	for range indexes {
		c.Skip(2)
		types := c.U16()
		c.Skip(fixed - 4)
		c.Addr() // list or B-tree of the messages: an id is enough
		if heap := c.Addr(); types>>t&1 != 0 {
			return heap, nil
		}
	}
	return 0, noSharedHeap(t)
}

func noSharedHeap(t MessageType) error {
	return fault.New(fault.DataLoss, "h5file: read shared message %#x: the file has no heap of them", t)
}
