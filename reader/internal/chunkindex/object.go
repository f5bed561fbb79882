package chunkindex

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Object is what a dataset's object header says of its storage. Its slices are not to be changed.
type Object struct {
	Type     []byte // the datatype message, of the committed type if it is one: h5type.Parse
	Space    h5file.Space
	Layout   Layout
	Filters  []filter.Spec // in the order of the pipeline: the last is undone first
	Fill     Fill
	External []ExternalFile // the pieces of contiguous data, in order, if it lies in other files
}

// Fill is the fill value. Neither Defined nor Undefined: HDF5's default, zeros.
type Fill struct {
	Defined   bool   // Value holds one element in the file's type
	Undefined bool   // none: what was never written has no value
	Value     []byte // not to be changed
	AllocTime uint8  // H5D_alloc_time_t: 1 early, 2 late, 3 incremental; 0 unknown
	FillTime  uint8  // H5D_fill_time_t: 0 on allocation, FillNever, 2 if set
}

// FillNever is H5D_FILL_TIME_NEVER: what was never written is whatever the reader had in its buffer.
const FillNever = 1

// Unwritten is the value of what was never written, of so many bytes: zeros where the file says never to fill, as h5py and NumPy have
// them, and of a dataset without a header (nil).
func (o *Object) Unwritten(size int) []byte {
	if o != nil && o.Fill.FillTime != FillNever && len(o.Fill.Value) == size {
		return o.Fill.Value
	}
	return make([]byte, size)
}

// ExternalFile is a piece of an external raw file (IV.A.2.h). Size h5file.Unlimited: to its end.
type ExternalFile struct {
	Name         string
	Offset, Size uint64
}

// Open reads the object header of a dataset at addr, relative to f.Base as H5Oget_info gives it. It fails with
// fault.DataLoss where the bytes are no dataset's header, with fault.Unsupported for versions not known.
func Open(f *h5file.File, addr uint64) (*Object, error) {
	s := f.Source()
	h, err := s.Header(addr)
	if err != nil {
		return nil, err
	}
	return Parse(s, h)
}

// GrownFrom tells whether the object may be another one that has grown along its first axis, or not at all.
func (o *Object) GrownFrom(was *Object) bool {
	now, then := o.Space, was.Space
	return now.Kind == h5file.Simple && then.Kind == h5file.Simple && len(now.Dims) > 0 && len(now.Dims) == len(then.Dims) && bytes.Equal(o.Type, was.Type) &&
		slices.Equal(now.Dims[1:], then.Dims[1:]) && now.Dims[0] >= then.Dims[0]
}

// Parse is Open of a header that was read already.
func Parse(s *h5file.Source, h *h5file.Header) (*Object, error) {
	o := &Object{Fill: Fill{Undefined: true}} // what libhdf5 takes it for where neither fill message is
	for _, part := range []struct {
		typ      h5file.MessageType
		required bool
		parse    func(*h5file.Source, *Object, []byte) error
	}{
		{h5file.MsgType, true, parseType},
		{h5file.MsgSpace, true, parseSpace},
		{h5file.MsgLayout, true, parseLayout},
		{h5file.MsgFilters, false, parseFilters},
		{h5file.MsgOldFill, false, parseOldFill},
		{h5file.MsgFill, false, parseFill},
		{h5file.MsgExternal, false, parseExternal},
	} {
		b, err := s.Find(h, part.typ)
		if err != nil {
			return nil, err
		}
		if b == nil && part.required {
			return nil, fault.New(fault.DataLoss, "chunkindex: read dataset at %#x: its header lacks message %#x", h.Addr, part.typ)
		}
		if b == nil {
			continue
		}
		if err := part.parse(s, o, b); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// parseType keeps the message; eight bytes are class, bits and size.
func parseType(_ *h5file.Source, o *Object, b []byte) error {
	if len(b) < 8 {
		return h5file.CutOff("datatype")
	}
	o.Type = b
	return nil
}

// typeSize is the size of an element in bytes.
func (o *Object) typeSize() uint64 { return uint64(binary.LittleEndian.Uint32(o.Type[4:])) }

func parseSpace(s *h5file.Source, o *Object, b []byte) (err error) {
	o.Space, err = s.File.ParseSpace(b)
	return err
}
