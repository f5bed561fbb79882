package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"unsafe"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/gheap"
)

// apart is an object's attributes as its header has them. libhdf5 lists all or, where one is of a type that it does not
// know, none, and 1.10 crashes if it is asked for one by name then.
type apart struct {
	*File
	disk   *os.File
	in     *chunkindex.File
	heap   *gheap.Heap
	byName map[string]chunkindex.Attribute
}

// attrsApart is nil if the header doesn't tell the attributes either. The caller closes it.
func (f *File) attrsApart(object C.hid_t) *apart {
	var addr C.haddr_t
	if C.h5c_object_addr(object, &addr) < 0 {
		return nil
	}
	disk, err := os.Open(f.path)
	if err != nil {
		return nil
	}
	p := &apart{File: f, disk: disk, byName: map[string]chunkindex.Attribute{}}
	if p.read(uint64(addr)) != nil {
		p.close()
		return nil
	}
	return p
}

func (p *apart) close() { p.disk.Close() }

func (p *apart) read(addr uint64) error {
	info, err := p.disk.Stat()
	if err != nil {
		return err
	}
	if p.in, err = chunkindex.Open(p.disk, info.Size()); err != nil {
		return err
	}
	p.heap = gheap.New(p.disk, p.in, info.Size(), 0)
	all, err := p.in.Attributes(addr)
	for _, a := range all {
		p.byName[a.Name] = a
	}
	return err
}

// value is an attribute's.
func (p *apart) value(a chunkindex.Attribute, budget *int) (json.RawMessage, error) {
	if a.Err != nil {
		return nil, a.Err
	}
	if a.Space.Kind == chunkindex.Null {
		return json.RawMessage("null"), nil
	}
	known, err := h5type.Parse(a.Type) // libhdf5 would not see the end of a damaged one
	if err != nil {
		return nil, err
	}
	message := append([]byte{3, 0}, a.Type...) // H5O_DTYPE_ID, version of H5Tencode
	message = append(message, make([]byte, 256)...)
	file := C.H5Tdecode(unsafe.Pointer(&message[0]))
	if file < 0 {
		return nil, p.because("type " + known.String())
	}
	defer C.H5Tclose(file)
	t, desc, err := p.memoryType(file)
	if err != nil {
		return nil, err
	}
	defer C.H5Tclose(t)
	n, err := listable(a.Space.Dims, desc, *budget)
	switch {
	case err != nil:
		return nil, err
	case desc.kind == kindVString:
		return p.texts(a, desc, budget)
	case desc.variable:
		return nil, errors.New("of variable length, beside an attribute that libhdf5 cannot read")
	}
	return p.converted(a, n, file, t, desc, budget)
}

// converted is a value of fixed size and n bytes, whose elements libhdf5 converts in place.
func (p *apart) converted(a chunkindex.Attribute, n uint64, file, t C.hid_t, desc *memType, budget *int) (json.RawMessage, error) {
	stored, ok := product(a.Space.Dims, uint64(C.H5Tget_size(file)))
	if !ok || stored > uint64(len(a.Data)) {
		return nil, errCutOff
	}
	buf, back := make([]byte, max(n, stored)+1), make([]byte, n+1)
	copy(buf, a.Data[:stored])
	if count := n / uint64(desc.size); C.H5Tconvert(file, t, C.size_t(count), unsafe.Pointer(&buf[0]), unsafe.Pointer(&back[0]), C.H5P_DEFAULT) < 0 {
		return nil, p.because("convert")
	}
	return p.asJSON(buf[:n], a.Space.Dims, desc, budget)
}

var errCutOff = errors.New("the value is cut off")

// texts are strings in the global heap (III.E): length, address of a collection, number therein.
func (p *apart) texts(a chunkindex.Attribute, desc *memType, budget *int) (json.RawMessage, error) {
	width := int(p.in.SizeOfOffsets)
	each := 4 + width + 4
	count, _ := product(a.Space.Dims, 1)
	if count > uint64(len(a.Data)/each) {
		return nil, errCutOff
	}
	pointers, left := make([]unsafe.Pointer, count+1), maxAttr
	defer func() {
		for _, text := range pointers {
			C.free(text)
		}
	}()
	for i := range count {
		b := a.Data[i*uint64(each):]
		text, err := p.heap.Object(address(b[4:4+width]), binary.LittleEndian.Uint32(b[4+width:]))
		if err != nil {
			return nil, err
		}
		n := min(len(text), int(binary.LittleEndian.Uint32(b)), maxAttr+1)
		if left -= n; left < 0 {
			return nil, errTooLong
		}
		pointers[i] = unsafe.Pointer(C.CString(string(text[:n])))
	}
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&pointers[0])), count*uint64(desc.size))
	return p.asJSON(buf, a.Space.Dims, desc, budget)
}

// address is one of up to eight bytes in the file's order.
func address(b []byte) uint64 {
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:])
}
