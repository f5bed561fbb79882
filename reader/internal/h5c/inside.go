package h5c

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Bounds of the search for what a virtual dataset would open.
const (
	maxNesting = 8
	maxBlocks  = 10_000 // files of a printf pattern
)

// mayRead refuses a dataset that would make libhdf5 open a file outside the root: as external raw file, as virtual
// source, or on behalf of a source, which may be virtual or lie behind an external link itself.
func (f *File) mayRead(id C.hid_t, depth int) error {
	list := C.H5Dget_create_plist(id)
	if list < 0 {
		return f.because("creation properties")
	}
	defer C.H5Pclose(list)
	var d meta.Dataset
	if err := f.layout(list, &d); err != nil {
		return err
	}
	if err := f.externals(list, &d); err != nil {
		return err
	}
	for _, e := range d.External {
		if !f.inside(e.File) {
			return fmt.Errorf("external file %s lies outside", spell.Escape(filepath.Base(e.File)))
		}
	}
	return f.sourcesInside(d.Sources, depth)
}

// sourcesInside refuses sources outside the root: libhdf5 is about to open them.
func (f *File) sourcesInside(sources []meta.Source, depth int) error {
	if depth > maxNesting && len(sources) > 0 {
		return fmt.Errorf("virtual datasets nested deeper than %d", maxNesting)
	}
	for _, s := range sources {
		found, err := f.sourceInside(s.File, s.Dataset, depth)
		if err != nil {
			return err
		}
		if found || !strings.Contains(s.File+s.Dataset, "%") {
			continue
		}
		if err := f.blocksInside(s, depth); err != nil {
			return err
		}
	}
	return nil
}

// blocksInside looks into the sources that a printf pattern stands for, up to the first gap as libhdf5 does.
func (f *File) blocksInside(s meta.Source, depth int) error {
	for block := range maxBlocks {
		name := strings.NewReplacer("%%", "%", "%b", strconv.Itoa(block))
		found, err := f.sourceInside(name.Replace(s.File), name.Replace(s.Dataset), depth)
		if err != nil || !found {
			return err
		}
	}
	return fmt.Errorf("virtual source %s has more than %d files", spell.Escape(filepath.Base(s.File)), maxBlocks)
}

// sourceInside looks into one source. One that can't be opened does no harm: libhdf5 takes the fill value instead.
func (f *File) sourceInside(file, dataset string, depth int) (found bool, err error) {
	path := f.path
	if file != "." {
		if path = f.beside(file); !f.inside(file) {
			return true, fmt.Errorf("virtual source %s lies outside", spell.Escape(filepath.Base(file)))
		}
	}
	if f.checked == nil {
		f.checked = map[string]error{}
	}
	key := path + "\x00" + dataset
	if err, ok := f.checked[key]; ok {
		return true, err
	}
	f.checked[key] = nil // a cycle ends here
	found, err = f.lookInto(path, dataset, depth)
	if f.checked[key] = err; !found {
		delete(f.checked, key)
	}
	return found, err
}

func (f *File) lookInto(path, dataset string, depth int) (found bool, err error) {
	g := f
	if path != f.path {
		if g, err = open(path, f.root); err != nil {
			return false, nil
		}
		defer g.close()
		g.checked = f.checked
	}
	d, id, err := g.openDataset(dataset)
	if err != nil {
		return false, nil
	}
	if d.OtherFile != "" {
		return true, fmt.Errorf("virtual source %s is an external link", spell.Escape(dataset))
	}
	defer C.H5Oclose(id)
	return true, g.mayRead(id, depth+1)
}

// beside is the path of a file named in this one.
func (f *File) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(f.path), name)
}

// inside says whether a file named in this one lies below the root, links resolved as far as it exists. A name with a
// printf pattern is judged by its folder. What is not beside the file libhdf5 looks for in the working directory too, so
// a name that climbs must lead to something.
func (f *File) inside(name string) bool {
	climbs := !filepath.IsLocal(name) && !filepath.IsAbs(name)
	name = f.beside(name)
	if _, err := os.Stat(name); climbs && err != nil {
		return false
	}
	rel, err := filepath.Rel(resolved(f.root), resolved(name))
	return err == nil && filepath.IsLocal(rel)
}

// resolved follows symbolic links in the longest part of a path that exists.
func resolved(path string) string {
	path = filepath.Clean(path)
	for rest := ""; ; {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Join(real, rest)
		}
		parent := filepath.Dir(path)
		if parent == path || strings.Count(rest, "/") > 4096 {
			return filepath.Join(path, rest)
		}
		path, rest = parent, filepath.Join(filepath.Base(path), rest)
	}
}
