package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"strings"
	"unsafe"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// maxSoft bounds the soft links of one name, as libhdf5 does.
const maxSoft = 16

// Dataset describes the dataset of a name, following hard and soft links. If an external link lies on the way, the
// answer has only OtherFile, the link's file as it names it, and Path, the name to ask for there: the caller decides
// whether that file may be opened. Names are spelled (package spell), OtherFile is not. Errors: fault.NotFound with near matches, fault.DataLoss.
func (f *File) Dataset(name string) (meta.Dataset, error) {
	defer enter()()
	d, id, err := f.openDataset(spell.Unescape(name))
	if err != nil || d.OtherFile != "" {
		return d, err
	}
	defer C.H5Oclose(id)
	d = f.dataset(id, d, true)
	budget := maxAttrs
	d.Attrs = f.readAttrs(id, &budget)
	return d, nil
}

// openDataset opens the dataset of a name as the file has it; the id is the caller's to close, and none where OtherFile is set.
func (f *File) openDataset(name string) (meta.Dataset, C.hid_t, error) {
	r := resolver{File: f, name: spell.Escape(name)}
	if err := r.start(); err != nil {
		return meta.Dataset{}, -1, err
	}
	d, err := r.follow(name)
	if err != nil || d.OtherFile != "" {
		r.close()
		return d, -1, err
	}
	if t := C.H5Iget_type(r.id); t != C.H5I_DATASET {
		defer r.close()
		return d, -1, r.noDataset(t)
	}
	return d, r.id, nil
}

func (r *resolver) noDataset(t C.H5I_type_t) error {
	if t != C.H5I_GROUP {
		return fault.New(fault.NotFound, "h5c: %s is a committed datatype, not a dataset", spell.Quote(r.name))
	}
	names, err := r.names()
	more := ""
	if err != nil {
		return fault.New(fault.DataLoss, "h5c: %s is a group that cannot be listed whole: %w", spell.Quote(r.name), err)
	}
	if len(names) == 0 {
		return fault.New(fault.NotFound, "h5c: %s is an empty group, not a dataset", spell.Quote(r.name))
	}
	if len(names) > shownBelow {
		names, more = names[:shownBelow], ", .."
	}
	return fault.New(fault.NotFound, "h5c: %s is a group, not a dataset: in it: %s%s", spell.Quote(r.name), near.Quoted(r.at+"/", names), more)
}

// shownBelow is how many names in a group are told to whom asks for it as a dataset.
const shownBelow = 3

// resolver walks a name component by component; id is the object reached, always open until close.
type resolver struct {
	*File
	name string // spelled
	at   string // a path of the object reached, spelled; "" of the root
	id   C.hid_t
	addr C.haddr_t
	soft int
}

func (r *resolver) close() { C.H5Oclose(r.id) }

// start goes to the root.
func (r *resolver) start() error {
	root, err := r.file.OpenGroup("/")
	if err != nil {
		return r.fail("h5c: open the root group")
	}
	r.id, r.at = C.hid_t(root.ID()), ""
	if C.h5c_object_addr(r.id, &r.addr) < 0 {
		defer r.close()
		return r.fail("h5c: open the root group")
	}
	return nil
}

func components(path string) []string {
	var out []string
	for _, c := range strings.Split(path, "/") {
		if c != "" && c != "." { // ".." has no meaning in HDF5
			out = append(out, c)
		}
	}
	return out
}

func (r *resolver) follow(name string) (meta.Dataset, error) {
	rest := components(name)
	path := spell.Escape("/" + strings.Join(rest, "/"))
	for len(rest) > 0 {
		l, err := r.lookup(rest[0])
		if err != nil {
			return meta.Dataset{}, err
		}
		rest = rest[1:]
		switch l.kind {
		case hardLink:
			err = r.enter(l)
		case softLink:
			rest, err = r.redirect(l.soft(), rest)
		default: // external
			file, target := l.external()
			return meta.Dataset{OtherFile: file, Path: spell.Escape(strings.Join(append([]string{target}, rest...), "/"))}, nil
		}
		if err != nil {
			return meta.Dataset{}, err
		}
	}
	return meta.Dataset{Path: path, Addr: uint64(r.addr)}, nil
}

// enter moves on to an object of this file.
func (r *resolver) enter(l link) error {
	id := C.H5Oopen_by_addr(r.File.id, C.haddr_t(l.addr))
	if id < 0 {
		return r.fail("h5c: open %s", r.name)
	}
	r.close()
	r.id, r.addr, r.at = id, C.haddr_t(l.addr), r.at+"/"+spell.Escape(l.name)
	return nil
}

// redirect puts a soft link's target before the rest of the name.
func (r *resolver) redirect(target string, rest []string) ([]string, error) {
	if r.soft++; r.soft > maxSoft {
		return nil, fault.New(fault.NotFound, "h5c: %s: more than %d soft links, perhaps a cycle", r.name, maxSoft)
	}
	if strings.HasPrefix(target, "/") {
		r.close()
		if err := r.start(); err != nil {
			return nil, err
		}
	}
	return append(components(target), rest...), nil
}

// lookup finds a link in the group reached.
func (r *resolver) lookup(name string) (link, error) {
	if t := C.H5Iget_type(r.id); t != C.H5I_GROUP {
		return link{}, fault.New(fault.NotFound, "h5c: no such dataset %s: %s is no group (columns of a table are asked for by fields)", spell.Quote(r.name), spell.Quote(r.at))
	}
	if strings.Contains(name, "\x00") {
		return link{}, r.missing(name)
	}
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	exists := C.H5Lexists(r.id, c, r.lapl)
	if exists < 0 {
		return link{}, r.fail("h5c: look up %s", r.name)
	}
	if exists == 0 {
		return link{}, r.missing(name)
	}
	return r.linkInfo(c, name)
}

func (r *resolver) linkInfo(c *C.char, name string) (link, error) {
	var info C.H5L_info_t
	if C.H5Lget_info(r.id, c, &info, r.lapl) < 0 {
		return link{}, r.fail("h5c: look up %s", r.name)
	}
	l := link{kind: uint8(info._type), name: name}
	if l.kind == hardLink {
		l.addr = *(*uint64)(unsafe.Pointer(&info.u))
		return l, nil
	}
	if l.kind != softLink && l.kind != externalLink {
		return link{}, fault.New(fault.Unsupported, "h5c: %s: user-defined link of class %d", r.name, l.kind)
	}
	n := *(*C.size_t)(unsafe.Pointer(&info.u))
	if n == 0 || n > 1<<20 {
		return link{}, fault.New(fault.DataLoss, "h5c: %s: link value of %d bytes", r.name, uint64(n))
	}
	l.value = make([]byte, n)
	if C.H5Lget_val(r.id, c, unsafe.Pointer(&l.value[0]), n, r.lapl) < 0 {
		return link{}, r.fail("h5c: look up %s", r.name)
	}
	return l, nil
}

func (r *resolver) missing(name string) error {
	names, _ := r.names()
	return fault.New(fault.NotFound, "h5c: no such dataset %s%s", spell.Quote(r.name), near.Paths(r.at+"/", near.Near(spell.Escape(name), names)))
}

// names are those in the group reached, spelled, but for PyTables' own. With an error, what was found before it.
func (r *resolver) names() (names []string, err error) {
	links, err := r.links(r.id)
	for _, l := range links {
		if !strings.HasPrefix(l.name, "_i_") && !strings.HasPrefix(l.name, "_p_") {
			names = append(names, spell.Escape(l.name))
		}
	}
	return names, err
}
