package objects

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/attrs"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Object is a group, a dataset or a committed type, to be asked for its attributes. Used by one goroutine.
type Object struct {
	Addr uint64 // of its header

	file *File
	head *h5file.Header
	all  []attribute // maybe only their beginning, in the order of names
	err  error       // why there may be others
}

// Object finds an object by its name, following hard and soft links. If an external link lies on the way there is none, and
// leaving says where it leads, as Dataset does. Errors are as Dataset's.
func (f *File) Object(ctx context.Context, name string) (o *Object, leaving meta.Dataset, err error) {
	r, err := f.resolve(ctx, "object", name)
	if err != nil || r.other != nil {
		return nil, r.leaving(), err
	}
	o = &Object{Addr: r.at.Addr, file: f, head: r.at}
	o.all, o.err = attributes(r.s, r.at)
	return o, leaving, nil
}

// Names are those of its attributes, spelled, in order. With an error there may be others.
func (o *Object) Names() ([]string, error) {
	names := make([]string, len(o.all))
	for i, a := range o.all {
		names[i] = spell.Escape(a.name)
	}
	return names, o.err
}

// find is an attribute that Names has.
func (o *Object) find(name string) attribute {
	raw := spell.Unescape(name)
	i := slices.IndexFunc(o.all, func(a attribute) bool { return a.name == raw })
	return o.all[i]
}

// Raw is an attribute's value as it lies in the file: elements of a type in a dataspace.
type Raw struct {
	Type  *h5type.Type
	Space h5file.Space
	Data  []byte // the elements alone
}

// JSON is the value of an attribute that Names has, or *attrs.TooLarge where that is more than limit bytes. Other errors are
// fault.DataLoss and fault.Unsupported.
func (o *Object) JSON(name string, limit int) (json.RawMessage, error) {
	raw, err := o.Raw(name, limit)
	if err != nil {
		return nil, err
	}
	v := attrs.Value{Type: raw.Type, Space: raw.Space, Data: raw.Data, Size: uint64(len(raw.Data)), OffsetSize: int(o.file.h5.SizeOfOffsets)}
	return attrs.JSON(v, o.file.newValues(), limit)
}

// Raw is the value of an attribute that Names has, but for what its elements point at. Errors are as JSON's.
func (o *Object) Raw(name string, limit int) (raw Raw, err error) {
	a := o.find(name)
	if a.err != nil {
		return raw, a.err
	}
	if raw.Type, err = h5type.Parse(a.typ); err != nil {
		return raw, err
	}
	if raw.Space = a.space; a.space.Kind == h5file.Null {
		return raw, nil
	}
	size, ok := h5file.Product(append([]uint64{uint64(raw.Type.Size)}, a.space.Dims...))
	switch {
	case !ok || size > a.size:
		return raw, fault.New(fault.DataLoss, "the value is cut off: %d bytes are there", a.size)
	case size > uint64(limit):
		return raw, &attrs.TooLarge{Bytes: size}
	case size > uint64(len(a.data)):
		if a, err = o.load(name); err != nil {
			return raw, err
		}
	}
	if size > uint64(len(a.data)) {
		return raw, fault.New(fault.DataLoss, "the value is cut off: %d bytes are there", len(a.data))
	}
	raw.Data = a.data[:size]
	return raw, nil
}

// load is an attribute with all of its data.
func (o *Object) load(name string) (attribute, error) {
	a, found, err := findAttribute(o.file.h5.Source(), o.head, spell.Unescape(name))
	if err == nil && !found {
		err = fault.New(fault.DataLoss, "the index of names does not lead to it")
	}
	if err == nil {
		err = a.err
	}
	return a, err
}
