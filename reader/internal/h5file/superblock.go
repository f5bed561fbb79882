package h5file

import (
	"io"

	"github.com/mtflight/mtflight/internal/fault"
)

const signature = "\x89HDF\r\n\x1a\n"

// File is an HDF5 file's superblock and the way to its metadata. It is safe for concurrent use as far as its
// io.ReaderAt is.
type File struct {
	Version       uint8
	Base          uint64 // absolute address of address 0: the size of the user block
	SizeOfOffsets uint8  // bytes of an address
	SizeOfLengths uint8  // bytes of a length
	Root          uint64 // of the root group's object header, relative to Base; Undefined if there is none
	SWMR          bool   // a writer has the file open that lets others read: bit 2 of the consistency flags, from version 3 on
	EOF           uint64 // absolute end that the superblock states; beyond size if the file was truncated

	r    io.ReaderAt
	size uint64
	ext  uint64 // superblock extension

	driver uint64 // its block of information

	image []cached // by address

	unchecked bool // IgnoreChecksums
}

// Open finds and parses the superblock (section II.A) of a file of size bytes: at 0, 512, 1024, 2048 and so on. The
// reader is kept. A file that is shorter than its superblock says is opened; reading past its end is fault.DataLoss
// with both sizes.
func Open(r io.ReaderAt, size int64) (*File, error) {
	if size < 0 {
		return nil, fault.New(fault.Invalid, "h5file: open file: size is %d", size)
	}
	f := &File{r: r, size: uint64(size), EOF: Undefined}
	if err := f.locate(); err != nil {
		return nil, err
	}
	b, err := f.Source().At(0, min(f.size-f.Base, 128))
	if err != nil {
		return nil, err
	}
	if err := f.parse(b); err != nil {
		return nil, err
	}
	if err := f.loadImage(); err != nil {
		return nil, err
	}
	return f, nil
}

// Size is the size that Open was given, in bytes.
func (f *File) Size() uint64 { return f.size }

// IgnoreChecksums lets fuzzing reach what is behind checksums. To be called before any other use of f.
func (f *File) IgnoreChecksums() { f.unchecked = true }

// Signed tells whether a file of size bytes has a superblock's signature where one may lie.
func Signed(r io.ReaderAt, size int64) bool {
	f := &File{r: r, size: uint64(max(size, 0)), EOF: Undefined}
	return f.locate() == nil
}

func (f *File) locate() error {
	n := uint64(len(signature))
	s := f.Source()
	for at := uint64(0); at <= f.size && f.size-at >= n; at = max(512, 2*at) {
		b, err := s.At(at, n)
		if err != nil {
			return err
		}
		if string(b) == signature {
			f.Base = at
			return nil
		}
	}
	return fault.New(fault.DataLoss, "h5file: open file: no HDF5 signature in %d bytes: not an HDF5 file, or not the first of its family", f.size)
}

func (f *File) parse(b []byte) error {
	c := f.Cursor(b)
	c.Skip(len(signature))
	f.Version = c.U8()
	if f.Version > 3 {
		return fault.New(fault.Unsupported, "h5file: open file: superblock version %d", f.Version)
	}
	if f.Version < 2 {
		c.Skip(4)
	}
	f.SizeOfOffsets, f.SizeOfLengths = c.U8(), c.U8()
	if c.Short {
		return superblockCut(b)
	}
	if !width(f.SizeOfOffsets) || !width(f.SizeOfLengths) {
		return fault.New(fault.Unsupported, "h5file: open file: addresses of %d and lengths of %d bytes", f.SizeOfOffsets, f.SizeOfLengths)
	}
	c.O, c.L = int(f.SizeOfOffsets), int(f.SizeOfLengths)
	if f.Version < 2 {
		f.parseOld(c)
	} else {
		f.parseNew(c)
		if n := len(b) - len(c.B); !c.Short && !checked(b[:n]) {
			return fault.New(fault.DataLoss, "h5file: open file: checksum mismatch in the superblock")
		}
	}
	if c.Short {
		return superblockCut(b)
	}
	return nil
}

func superblockCut(b []byte) error {
	return fault.New(fault.DataLoss, "h5file: open file: superblock is cut off after %d bytes", len(b))
}

func width(n uint8) bool { return n == 2 || n == 4 || n == 8 }

func (f *File) parseOld(c *Cursor) {
	c.Skip(1 + 2 + 2 + 4)
	if f.Version == 1 {
		c.Skip(4)
	}
	base := c.Addr()
	c.Addr() // free space
	f.setEOF(base, c.Addr())
	f.driver = c.Addr()
	c.Length() // link name offset of the root's symbol table entry
	f.Root = c.Addr()
	f.ext = Undefined
}

// Driver is the name of the driver that wrote the file (section II.B), where it is one that makes several files, as
// NCSAfami or NCSAmult; else "". Superblocks from version 2 on keep it elsewhere.
func (f *File) Driver() string {
	at, err := f.Absolute(f.driver)
	if f.Version > 1 || at == Undefined || err != nil {
		return ""
	}
	b, err := f.Source().At(at, 16)
	if err != nil || string(b[8:]) != "NCSAfami" && string(b[8:]) != "NCSAmult" {
		return ""
	}
	return string(b[8:])
}

func (f *File) parseNew(c *Cursor) {
	f.SWMR = c.U8()&(1<<2) != 0 && f.Version >= 3
	base := c.Addr()
	f.ext = c.Addr()
	f.setEOF(base, c.Addr())
	f.Root = c.Addr()
	c.U32() // checksum
}

// setEOF moves the end stated by as much as the superblock is from where it says it is: libhdf5 takes the place where
// it finds the signature for the base, so a user block may be put before a file or cut off.
func (f *File) setEOF(base, eof uint64) { f.EOF = eof - base + f.Base }

// beyond is the error of a read that the file is too short for.
func (f *File) beyond(addr, n uint64) error {
	if f.EOF > f.size && f.EOF != Undefined {
		return fault.New(fault.DataLoss, "h5file: read %d bytes at %#x: file is truncated: %d bytes expected, %d there", n, addr, f.EOF, f.size)
	}
	return fault.New(fault.DataLoss, "h5file: read %d bytes at %#x: beyond the end of a file of %d bytes", n, addr, f.size)
}

// Absolute adds the base address.
func (f *File) Absolute(addr uint64) (uint64, error) {
	if addr == Undefined {
		return Undefined, nil
	}
	if abs := addr + f.Base; abs >= addr && abs != Undefined {
		return abs, nil
	}
	return 0, fault.New(fault.DataLoss, "h5file: address %#x is out of range", addr)
}

// Places adds the base address to those addresses that are defined and in range.
func (f *File) Places(addrs ...uint64) (places []uint64) {
	for _, addr := range addrs {
		if at, err := f.Absolute(addr); err == nil && at != Undefined {
			places = append(places, at)
		}
	}
	return places
}
