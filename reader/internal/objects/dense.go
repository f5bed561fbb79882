package objects

import (
	"cmp"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Record types of the B-trees that find names in a heap (III.A.2).
const (
	recordLinkName      = 5
	recordAttributeName = 8
)

// dense is names of links or attributes in a fractal heap, and the B-tree that finds them by the names' hashes.
type dense struct {
	s    *h5file.Source
	heap *h5file.Heap
	tree *h5file.Tree2
}

// infoMessage is a message about links or attributes that an object keeps in a heap: their addresses stand behind the
// highest creation order, if that is kept.
type infoMessage struct {
	typ    h5file.MessageType
	what   string
	order  int   // bytes of a creation order
	kind   uint8 // of the records of the B-tree of names
	record uint64
}

// dense reads the heap and the B-tree of names that the message of an object leads to; nil where there is no heap.
func (m infoMessage) dense(s *h5file.Source, h *h5file.Header) (*dense, error) {
	b, err := s.Find(h, m.typ)
	if err != nil || b == nil {
		return nil, err
	}
	c := s.File.Cursor(b)
	version, flags := c.U8(), c.U8()
	if version != 0 {
		return nil, fault.New(fault.Unsupported, "%s message of version %d", m.what, version)
	}
	if flags&1 != 0 {
		c.Skip(m.order)
	}
	heap, names := c.Addr(), c.Addr()
	if c.Short {
		return nil, h5file.CutOff(m.what)
	}
	return m.open(s, heap, names)
}

func (m infoMessage) open(s *h5file.Source, heap, names uint64) (*dense, error) {
	if heap == h5file.Undefined {
		return nil, nil
	}
	h, err := s.Heap(heap)
	if err != nil {
		return nil, err
	}
	t, err := s.Tree2(names)
	if err != nil {
		return nil, err
	}
	if t.Type != m.kind || t.RecordSize != m.record {
		return nil, fault.New(fault.DataLoss, "the B-tree of names has records of type %d and %d bytes", t.Type, t.RecordSize)
	}
	return &dense{s, h, t}, nil
}

// linkRecord is a hash and an id in the heap (III.A.2, type 5).
const linkRecord = 4 + 7

// linkInfo leads to the links that a group keeps in a heap (IV.A.2.c).
var linkInfo = infoMessage{h5file.MsgLinkInfo, "link info", 8, recordLinkName, linkRecord}

func (d *dense) link(record []byte) (link, error) {
	b, err := d.heap.Object(record[4:linkRecord])
	if err != nil {
		return link{}, err
	}
	return parseLink(d.s.File, b)
}

func (d *dense) each(add func(link) error) error {
	records, err := d.tree.All()
	if err != nil {
		return err
	}
	d.heap.Sort(records, 4)
	for _, record := range records {
		l, err := d.link(record)
		if err == nil {
			err = add(l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// find is the link of a name. Records are in the order of the hashes, those of one hash in that of the names.
func (d *dense) find(name string) (l link, found bool, err error) {
	record, err := d.tree.Search(func(record []byte) (int, error) {
		order := byHash(d.s.File, name, record)
		if order == 0 {
			l, err = d.link(record)
			order = cmp.Compare(name, l.name)
		}
		return order, err
	})
	return l, record != nil && err == nil, err
}

// byHash compares a name's hash with the one that a record begins with.
func byHash(f *h5file.File, name string, record []byte) int {
	return cmp.Compare(h5file.Checksum([]byte(name)), f.Cursor(record).U32())
}
