package vds

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Mapping says that the elements of a virtual dataset's selection Dst are those of a source's selection Src, one by one
// in the order of the selections.
type Mapping struct {
	File    string // "." is the virtual dataset's own
	Dataset string
	Src     Selection
	Dst     Selection
}

// Grow tells whether sources decide about the extents.
func Grow(all []Mapping) bool {
	return slices.ContainsFunc(all, func(m Mapping) bool { return m.Dst.Unlimited() >= 0 })
}

// Flags of an entry of version 1, which HDF5 2.0 introduced (H5O_LAYOUT_VDS_SOURCE_*).
const (
	fileShared    = 1
	datasetShared = 2
	sameFile      = 4
)

// maxMappings bounds what Parse returns.
const maxMappings = 1 << 20

// Parse decodes the heap object of a virtual layout message, versions 0 and 1 (III.F), in a file whose lengths have so
// many bytes. It fails with fault.DataLoss where the bytes are damaged, with fault.Unsupported where they are of an
// unknown kind.
func Parse(b []byte, sizeOfLengths int) ([]Mapping, error) {
	body := len(b) - 4
	if body < 0 || h5file.Checksum(b[:body]) != binary.LittleEndian.Uint32(b[body:]) {
		return nil, fault.New(fault.DataLoss, "vds: parse mappings: checksum mismatch")
	}
	return parse(&cursor{b: b[:body]}, sizeOfLengths)
}

func parse(c *cursor, lengths int) ([]Mapping, error) {
	version, n := c.uint(1), c.uint(lengths)
	if version > 1 {
		return nil, fault.New(fault.Unsupported, "vds: parse mappings: version %d", version)
	}
	if n > maxMappings || n > uint64(len(c.b)) {
		return nil, fault.New(fault.DataLoss, "vds: parse mappings: %d of them in %d bytes", n, len(c.b))
	}
	var all []Mapping
	for i := range n {
		m, err := c.mapping(version, lengths, all)
		if c.short {
			return nil, fault.New(fault.DataLoss, "vds: parse mappings: they are cut off in number %d", i)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (c *cursor) mapping(version uint64, lengths int, before []Mapping) (m Mapping, err error) {
	flags := uint64(0)
	if version > 0 {
		flags = c.uint(1)
	}
	if flags > fileShared|datasetShared|sameFile {
		return m, fault.New(fault.Unsupported, "vds: parse mappings: flags %#x", flags)
	}
	if m.File = "."; flags&sameFile == 0 {
		if m.File, err = c.name(flags&fileShared != 0, lengths, before, func(m Mapping) string { return m.File }); err != nil {
			return m, err
		}
	}
	m.Dataset, err = c.name(flags&datasetShared != 0, lengths, before, func(m Mapping) string { return m.Dataset })
	if err != nil {
		return m, err
	}
	if m.Src, err = c.selection(); err != nil || c.short {
		return m, err
	}
	if m.Dst, err = c.selection(); err != nil || c.short {
		return m, err
	}
	return m, m.check()
}

// name decodes a name, which may be that of an entry before.
func (c *cursor) name(shared bool, lengths int, before []Mapping, of func(Mapping) string) (string, error) {
	if !shared {
		return c.text(), nil
	}
	i := c.uint(lengths)
	if i >= uint64(len(before)) {
		return "", fault.New(fault.DataLoss, "vds: parse mappings: name of number %d in number %d", i, len(before))
	}
	return of(before[i]), nil
}

// check refuses selections that don't fit each other, as far as that is known without extents.
func (m Mapping) check() error {
	src, dst := m.Src.Unlimited(), m.Dst.Unlimited()
	if src >= 0 && dst < 0 {
		return fault.New(fault.DataLoss, "vds: parse mappings: an unlimited selection of %s is mapped to a limited one", m.Dataset)
	}
	if dst >= 0 && src < 0 && !m.Printf() {
		return fault.New(fault.DataLoss, "vds: parse mappings: a limited selection of %s is mapped to an unlimited one", m.Dataset)
	}
	if !m.Printf() && (pattern(m.File) || pattern(m.Dataset)) {
		return fault.New(fault.DataLoss, "vds: parse mappings: %s has a place for a number, but the selection is limited", m.Dataset)
	}
	if m.Printf() && m.Dst.BlockSlices() == unlimited {
		return fault.New(fault.DataLoss, "vds: parse mappings: the blocks of %s have no end", m.Dataset)
	}
	return nil
}

// Printf tells whether each block of an unlimited Dst has a source of its own, with the block's number in its name.
func (m Mapping) Printf() bool {
	return m.Dst.Unlimited() >= 0 && m.Src.Unlimited() < 0 && (pattern(m.File) || pattern(m.Dataset))
}

// pattern tells whether a name has a place for a number.
func pattern(name string) bool {
	return strings.Contains(strings.ReplaceAll(name, "%%", ""), "%b")
}

// Names are the names of the file and the dataset that the mapping's block comes from; a mapping that is not Printf has
// the same for all.
func (m Mapping) Names(block int64) (file, dataset string) {
	return expand(m.File, block), expand(m.Dataset, block)
}
