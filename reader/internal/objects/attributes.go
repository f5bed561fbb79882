package objects

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// attribute is an attribute as the file has it (IV.A.2.m).
type attribute struct {
	name  string
	typ   []byte // the datatype message, of the committed type if it is one: h5type.Parse
	space h5file.Space
	data  []byte // the elements in the file's type, or their beginning
	size  uint64 // bytes of all of them
	err   error  // why type, space and data are not known
}

// nameless tells whether not even the name is known.
func (a attribute) nameless() bool { return a.name == "" && a.err != nil }

// Bounds of one object.
const (
	maxAttributes     = objectAttrs / 16 // as many are listed
	maxAttributeBytes = 256 << 20        // of values that are read at once
	// attributeHead is what is read of an attribute that may be large: names, types and dataspaces are below 64 KiB.
	attributeHead = 256 << 10
)

// attributeList gathers an object's attributes within bounds.
type attributeList struct {
	s     *h5file.Source
	all   []attribute
	bytes int

	nameless error // of one whose name is not known: it may be any
}

func (l *attributeList) add(message []byte, size uint64) error {
	if l.bytes += len(message); l.bytes > maxAttributeBytes || len(l.all) == maxAttributes {
		return fault.New(fault.Unsupported, "more than %d attributes or %d bytes of them", maxAttributes, maxAttributeBytes)
	}
	a := parseAttribute(l.s, message, size)
	if a.nameless() {
		l.nameless = a.err
		return nil
	}
	l.all = append(l.all, a)
	return nil
}

// attributes are an object's, in the order of names. Of values that lie in a heap and are large only the beginning is
// read. With an error, what was found before it.
func attributes(s *h5file.Source, h *h5file.Header) ([]attribute, error) {
	l := &attributeList{s: s}
	err := l.compact(h)
	if err == nil {
		err = l.dense(h)
	}
	slices.SortStableFunc(l.all, func(a, b attribute) int { return cmp.Compare(a.name, b.name) })
	return l.all, cmp.Or(err, l.nameless)
}

// compact takes those in the header.
func (l *attributeList) compact(h *h5file.Header) error {
	for _, m := range h.Messages {
		if m.Type != h5file.MsgAttribute {
			continue
		}
		b, err := l.s.Resolve(m)
		if err == nil {
			err = l.add(b, uint64(len(b)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dense takes those in a heap.
func (l *attributeList) dense(h *h5file.Header) error {
	d, err := attributeInfo.dense(l.s, h)
	if err != nil || d == nil {
		return err
	}
	records, err := d.tree.All()
	if err != nil {
		return err
	}
	d.heap.Sort(records, 0)
	for _, record := range records {
		b, size, err := d.attribute(record, attributeHead)
		if err == nil {
			err = l.add(b, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// attributeRecord is an id in the heap, flags, a creation order and a hash (III.A.2, type 8).
const attributeRecord = 8 + 1 + 4 + 4

// attributeInfo leads to the attributes that an object keeps in a heap (IV.A.2.v).
var attributeInfo = infoMessage{h5file.MsgAttributeInfo, "attribute info", 2, recordAttributeName, attributeRecord}

// attribute is the message that a record leads to, in the object's heap or in that of shared messages, or its first bytes,
// and the size of all of it.
func (d *dense) attribute(record []byte, most uint64) ([]byte, uint64, error) {
	heap := d.heap
	if record[8]&h5file.SharedFlag != 0 {
		var err error
		if heap, err = d.s.SharedHeap(h5file.MsgAttribute); err != nil {
			return nil, 0, err
		}
	}
	return heap.Beginning(record[:8], most)
}

// findAttribute is the attribute of a name with all of its value; false if there is none.
func findAttribute(s *h5file.Source, h *h5file.Header, name string) (attribute, bool, error) {
	l := &attributeList{s: s}
	if err := l.compact(h); err != nil {
		return attribute{}, false, err
	}
	for _, a := range l.all {
		if a.name == name {
			return a, true, nil
		}
	}
	d, err := attributeInfo.dense(s, h)
	if err != nil || d == nil {
		return attribute{}, false, cmp.Or(err, l.nameless)
	}
	a, found, err := d.findAttribute(name)
	if !found {
		err = cmp.Or(err, l.nameless)
	}
	return a, found, err
}

func (d *dense) findAttribute(name string) (a attribute, found bool, err error) {
	record, err := d.tree.Search(func(record []byte) (int, error) {
		order := cmp.Compare(h5file.Checksum([]byte(name)), d.s.File.Cursor(record[attributeRecord-4:]).U32())
		if order != 0 {
			return order, nil
		}
		b, size, err := d.attribute(record, attributeHead)
		if err != nil {
			return 0, err
		}
		a := parseAttribute(d.s, b, size)
		if a.nameless() {
			return 0, a.err
		}
		return cmp.Compare(name, a.name), nil
	})
	if err != nil || record == nil {
		return a, false, err
	}
	b, size, err := d.attribute(record, h5file.MaxObject)
	return parseAttribute(d.s, b, size), err == nil, err
}

// parseAttribute takes a message of size bytes apart, of which b is the beginning: the sizes of its parts, then these.
// Version 1 pads them.
func parseAttribute(s *h5file.Source, b []byte, size uint64) (a attribute) {
	c := s.File.Cursor(b)
	version, flags := c.U8(), c.U8()
	sizes := [3]uint64{uint64(c.U16()), uint64(c.U16()), uint64(c.U16())}
	if version == 3 {
		c.Skip(1) // the name's encoding
	}
	var parts [3][]byte
	for i, n := range sizes {
		parts[i] = c.Bytes(n)
		if version == 1 {
			c.Skip(int(-n & 7))
		}
	}
	switch {
	case version < 1 || version > 3:
		a.err = fault.New(fault.Unsupported, "attribute message of version %d", version)
	case c.Short:
		a.err = h5file.CutOff("attribute")
	}
	if a.err != nil { // the name is not known either
		return a
	}
	name, _, _ := bytes.Cut(parts[0], []byte{0})
	a.name = string(name)
	a.data, a.size = c.B, size-uint64(len(b)-len(c.B))
	if version == 1 {
		flags = 0
	}
	a.describe(s, flags, parts[1], parts[2])
	return a
}

// describe finds type and dataspace, which may be shared.
func (a *attribute) describe(s *h5file.Source, flags uint8, typ, space []byte) {
	if a.typ, a.err = s.Resolve(part(h5file.MsgType, flags&1 != 0, typ)); a.err != nil {
		return
	}
	if space, a.err = s.Resolve(part(h5file.MsgSpace, flags&2 != 0, space)); a.err == nil {
		a.space, a.err = s.File.ParseSpace(space)
	}
}

// part is a part of an attribute as a message.
func part(t h5file.MessageType, shared bool, b []byte) h5file.Message {
	m := h5file.Message{Type: t, Data: b}
	if shared {
		m.Flags = h5file.SharedFlag
	}
	return m
}

// RootHas tells whether the root group has an attribute of a name; what was found is kept. Errors: those of Group, fault.DataLoss.
func (f *File) RootHas(ctx context.Context, name string) (bool, error) {
	if has, known := f.root.Load(name); known {
		return has.(bool), nil
	}
	root, err := f.Group(ctx, "/")
	if err != nil {
		return false, err
	}
	has, err := root.Attrs.Has(name)
	if err != nil {
		return false, fault.New(fault.DataLoss, "%w", err)
	}
	f.root.Store(name, has)
	return has, nil
}
