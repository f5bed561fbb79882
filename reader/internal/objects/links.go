package objects

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Classes of links (IV.A.2.g).
const (
	hardLink     = 0
	softLink     = 1
	externalLink = 64
)

// link is one link of a group. Its texts are as the file has them, not spelled.
type link struct {
	name   string
	class  uint8
	order  int64  // meta.Link.Order
	addr   uint64 // hard: of the object's header
	target string // soft and external: a path
	file   string // external
}

// describe says what a link that is not hard is.
func (l link) describe(path string) meta.Link {
	out := meta.Link{Path: path, Kind: "user", File: spell.Escape(l.file), Target: spell.Escape(l.target), Order: l.order}
	switch l.class {
	case softLink:
		out.Kind = "soft"
	case externalLink:
		out.Kind = "external"
	}
	return out
}

// Bounds of one group.
const (
	maxLinks     = 10_000_000
	maxLinkNames = 128 << 20 // bytes of names and targets
)

// linkList gathers a group's links within bounds.
type linkList struct {
	links []link
	bytes int
}

func (l *linkList) add(x link) error {
	if l.bytes += len(x.name) + len(x.target) + len(x.file); l.bytes > maxLinkNames || len(l.links) == maxLinks {
		return fault.New(fault.Unsupported, "more than %d links or %d bytes of names", maxLinks, maxLinkNames)
	}
	l.links = append(l.links, x)
	return nil
}

// links lists a group in the order of names. With an error, what was found before it.
func links(s *h5file.Source, h *h5file.Header) ([]link, error) {
	all := &linkList{}
	err := eachLink(s, h, all.add)
	slices.SortFunc(all.links, func(a, b link) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.addr, b.addr)) // in damaged files names may be alike
	})
	return all.links, err
}

// eachLink gives a group's links in any order: those of a symbol table (III.B), or those in the header and in its heap.
func eachLink(s *h5file.Source, h *h5file.Header, add func(link) error) error {
	for _, m := range h.Messages {
		if m.Type == h5file.MsgSymbolTable {
			return eachSymbol(s, m.Data, add)
		}
	}
	for _, m := range h.Messages {
		if m.Type != h5file.MsgLink {
			continue
		}
		l, err := linkOf(s, m)
		if err == nil {
			err = add(l)
		}
		if err != nil {
			return err
		}
	}
	d, err := linkInfo.dense(s, h)
	if err != nil || d == nil {
		return err
	}
	return d.each(add)
}

// lookup finds the link of a name; false if there is none.
func lookup(s *h5file.Source, h *h5file.Header, name string) (link, bool, error) {
	for _, m := range h.Messages {
		if m.Type == h5file.MsgSymbolTable {
			return findSymbol(s, m.Data, name)
		}
	}
	for _, m := range h.Messages {
		if m.Type != h5file.MsgLink {
			continue
		}
		if l, err := linkOf(s, m); err != nil || l.name == name {
			return l, err == nil, err
		}
	}
	d, err := linkInfo.dense(s, h)
	if err != nil || d == nil {
		return link{}, false, err
	}
	return d.find(name)
}

func linkOf(s *h5file.Source, m h5file.Message) (link, error) {
	b, err := s.Resolve(m)
	if err != nil {
		return link{}, err
	}
	return parseLink(s.File, b)
}

// parseLink decodes a link message (IV.A.2.g).
func parseLink(f *h5file.File, b []byte) (l link, err error) {
	c := f.Cursor(b)
	version, flags := c.U8(), c.U8()
	if version != 1 {
		return l, fault.New(fault.Unsupported, "link message of version %d", version)
	}
	if flags&8 != 0 {
		l.class = c.U8()
	}
	if flags&4 != 0 {
		l.order = orderOf(c.Uint(8))
	}
	if flags&16 != 0 {
		c.Skip(1) // character set
	}
	l.name = string(c.Bytes(c.Uint(1 << (flags & 3))))
	switch l.class {
	case hardLink:
		l.addr = c.Addr()
	case softLink:
		l.target = string(c.Bytes(uint64(c.U16())))
	case externalLink:
		l.file, l.target = external(c.Bytes(uint64(c.U16())))
	default:
		c.Bytes(uint64(c.U16()))
	}
	if c.Short {
		return l, h5file.CutOff("link")
	}
	return l, nil
}

// orderOf is meta.Link.Order of a creation order, which in damaged files may be anything.
func orderOf(created uint64) int64 {
	if created >= 1<<62 {
		return 0
	}
	return int64(created) + 1
}

// external unpacks an external link's value: a version and flags byte, then two NUL-terminated strings.
func external(b []byte) (file, target string) {
	if len(b) == 0 {
		return "", ""
	}
	f, rest, _ := bytes.Cut(b[1:], []byte{0})
	t, _, _ := bytes.Cut(rest, []byte{0})
	return string(f), string(t)
}

// pathOf is the spelled path of a link of the group at prefix, "" of the root.
func pathOf(prefix, name string) string { return prefix + "/" + spell.Escape(name) }

// components are the names in a path. ".." has no meaning in HDF5.
func components(path string) []string {
	var out []string
	for c := range strings.SplitSeq(path, "/") {
		if c != "" && c != "." {
			out = append(out, c)
		}
	}
	return out
}
