package h5file

import (
	"errors"
	"io"

	"github.com/mtflight/mtflight/internal/fault"
)

// Undefined is HADDR_UNDEF: the address of what is not stored.
const Undefined = ^uint64(0)

const (
	minWindow = 4 << 10
	maxWindow = 256 << 10
)

// Source reads metadata of one file through one window. Reads that follow one another grow the window, a jump shrinks
// it, so that neither an index in one piece nor nodes scattered among the data cost more than their bytes. It belongs
// to one call and is not safe for concurrent use.
type Source struct {
	File *File

	buf    []byte
	off    uint64 // absolute, of buf
	ahead  uint64 // bytes the next miss reads
	budget uint64 // bytes that may still be asked for: ends walks in circles

	shared   map[MessageType]*Heap // of shared messages, once asked for
	resolved map[string][]byte     // shared messages that were read, by type and reference
}

// Source returns a reader of f's metadata that gives at most twice the file's bytes: what a valid file holds is read
// once, its node headers twice. Walks that come back to what they read Grant themselves more.
func (f *File) Source() *Source {
	return &Source{File: f, ahead: minWindow, budget: 2*f.size + minWindow}
}

// Grant allows n bytes more.
func (s *Source) Grant(n uint64) { s.budget += n }

// At returns n bytes at addr, relative to the base address. They are valid until the next call.
func (s *Source) At(addr, n uint64) ([]byte, error) {
	f := s.File
	if b := f.cached(addr, n); b != nil {
		return b, s.Spend(addr, n)
	}
	abs := addr + f.Base
	if addr == Undefined || abs < addr || abs > f.size || n > f.size-abs {
		return nil, f.beyond(addr, n)
	}
	if abs+n > f.EOF { // as libhdf5: what lies there was not allocated when the file was last closed
		return nil, fault.New(fault.DataLoss, "h5file: read %d bytes at %#x: beyond the end of allocated space at %#x", n, addr, f.EOF-f.Base)
	}
	if err := s.Spend(addr, n); err != nil {
		return nil, err
	}
	if abs >= s.off && abs+n <= s.off+uint64(len(s.buf)) {
		return s.buf[abs-s.off:][:n:n], nil
	}
	if err := s.fill(abs, n); err != nil {
		return nil, fault.New(fault.DataLoss, "h5file: read %d bytes at %#x: %w", n, addr, err)
	}
	return s.buf[:n:n], nil
}

// Spend counts n bytes that what lies at addr gives: those read, and names that many may point at.
func (s *Source) Spend(addr, n uint64) error {
	if n > s.budget {
		return fault.New(fault.DataLoss, "h5file: read metadata at %#x: the file is damaged: its metadata refers to itself", addr)
	}
	s.budget -= n
	return nil
}

// fill moves the window to abs and reads at least n bytes.
func (s *Source) fill(abs, n uint64) error {
	end := s.off + uint64(len(s.buf))
	if abs >= s.off && abs <= end+minWindow {
		s.ahead = min(2*s.ahead, maxWindow)
	} else {
		s.ahead = minWindow
	}
	n = min(max(n, s.ahead), s.File.size-abs)
	if uint64(cap(s.buf)) < n {
		s.buf = make([]byte, n)
	}
	s.buf, s.off = s.buf[:n], abs
	got, err := s.File.r.ReadAt(s.buf, int64(abs))
	if uint64(got) == n {
		return nil
	}
	s.buf = s.buf[:0]
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Block returns n bytes at addr that begin with a signature and end with a checksum.
func (s *Source) Block(addr, n uint64, signature string) ([]byte, error) {
	b, err := s.At(addr, n)
	if err != nil {
		return nil, err
	}
	if err := Signature(b, addr, signature); err != nil {
		return nil, err
	}
	if !s.Checked(b) {
		return nil, fault.New(fault.DataLoss, "h5file: read %s at %#x: checksum mismatch", signature, addr)
	}
	return b, nil
}

// Checked tells whether b ends in its checksum.
func (s *Source) Checked(b []byte) bool { return checked(b) || s.File.unchecked }

// Signature checks what b begins with.
func Signature(b []byte, addr uint64, signature string) error {
	if len(b) < len(signature) || string(b[:len(signature)]) != signature {
		return fault.New(fault.DataLoss, "h5file: read %s at %#x: no such signature there", signature, addr)
	}
	return nil
}

// Times is n*each, refused when the file is too small for it.
func (s *Source) Times(n, each uint64) (uint64, error) {
	if each != 0 && n > s.File.size/each {
		return 0, fault.New(fault.DataLoss, "h5file: %d entries of %d bytes in a file of %d bytes", n, each, s.File.size)
	}
	return n * each, nil
}

// Read returns n bytes of metadata at addr, relative to the base address; they are the caller's, or those of the cache
// image, which are not to be changed.
func (f *File) Read(addr, n uint64) ([]byte, error) {
	if b := f.cached(addr, n); b != nil {
		return b, nil
	}
	abs := addr + f.Base
	if addr == Undefined || abs < addr || abs > f.size || n > f.size-abs {
		return nil, f.beyond(addr, n)
	}
	b := make([]byte, n)
	if got, err := f.r.ReadAt(b, int64(abs)); uint64(got) < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fault.New(fault.DataLoss, "h5file: read %d bytes at %#x: %w", n, addr, err)
	}
	return b, nil
}
