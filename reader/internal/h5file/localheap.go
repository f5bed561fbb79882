package h5file

// LocalHeap returns the data segment of the local heap at addr (III.D), valid until the next read.
func (s *Source) LocalHeap(addr uint64) ([]byte, error) {
	n := 8 + 2*uint64(s.File.SizeOfLengths) + uint64(s.File.SizeOfOffsets)
	b, err := s.At(addr, n)
	if err != nil {
		return nil, err
	}
	if err := Signature(b, addr, "HEAP"); err != nil {
		return nil, err
	}
	c := s.File.Cursor(b)
	c.Skip(8)
	size := c.Length()
	c.Length() // free list
	return s.At(c.Addr(), size)
}
