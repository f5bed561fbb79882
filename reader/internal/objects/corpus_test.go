package objects_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/objects"
)

// TestCorpus holds every object and attribute of the files below MTFLIGHT_CORPUS to what libhdf5 says of them.
func TestCorpus(t *testing.T) {
	root := os.Getenv("MTFLIGHT_CORPUS")
	if root == "" {
		t.Skip("MTFLIGHT_CORPUS is not set")
	}
	lib := h5proc.New(h5proc.Config{Helpers: 1})
	defer lib.Close()
	sum := tally{lib: lib}
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			sum.file(t, path)
		}
		return err
	}))
	t.Log(sum.String())
	require.Positive(t, sum.objects)
}

// tally counts what was compared.
type tally struct {
	lib                                           *h5proc.Pool
	files, unopened, objects, attributes, refused int
	reasons                                       map[string]int
}

func (s *tally) String() string {
	return fmt.Sprintf("%d files (%d that are none), %d objects, %d attributes equal; libhdf5 refuses %d more: %v",
		s.files, s.unopened, s.objects, s.attributes, s.refused, s.reasons)
}

func (s *tally) file(t *testing.T, path string) {
	disk, err := os.Open(path)
	require.NoError(t, err)
	defer disk.Close()
	info, err := disk.Stat()
	require.NoError(t, err)
	h5, err := h5file.Open(disk, info.Size())
	if err != nil {
		s.unopened++
		return
	}
	s.files++
	got, err := objects.New(h5, gheap.New(h5, 1<<20)).Tree(context.Background())
	require.NoError(t, err)
	want, err := s.lib.Tree(context.Background(), h5proc.File{Disk: disk, State: path, Name: path})
	if err != nil {
		s.refuse(err.Error())
		return
	}
	s.compare(t, path, got, want)
}

func (s *tally) refuse(reason string) {
	if s.reasons == nil {
		s.reasons = map[string]int{}
	}
	s.refused++
	s.reasons[strings.TrimLeft(reason[max(0, len(reason)-50):], " ")]++
}

func (s *tally) compare(t *testing.T, path string, got, want *meta.File) {
	groups := map[uint64]meta.Group{}
	for _, g := range got.Groups {
		groups[g.Addr] = g
	}
	datasets := map[uint64]meta.Dataset{}
	for _, d := range got.Datasets {
		datasets[d.Addr] = d
	}
	for _, w := range want.Groups {
		g, ok := groups[w.Addr]
		if w.Err != "" {
			s.refuse(w.Err)
			continue
		}
		if !ok || g.Path != w.Path || g.Named != w.Named || g.Err != w.Err {
			t.Errorf("%s %s: group %+v, libhdf5 %q", path, w.Path, g, w.Err)
			continue
		}
		s.objects++
		s.attrs(t, path+" "+w.Path, g.Attrs, w.Attrs)
	}
	for _, w := range want.Datasets {
		d, ok := datasets[w.Addr]
		if w.Err != "" {
			s.refuse(w.Err)
			continue
		}
		if !ok {
			t.Errorf("%s %s: missing", path, w.Path)
			continue
		}
		s.objects++
		s.dataset(t, path, d, w)
		s.attrs(t, path+" "+w.Path, d.Attrs, w.Attrs)
	}
	if fmt.Sprint(got.Links) != fmt.Sprint(want.Links) {
		t.Errorf("%s: links %v, libhdf5 %v", path, got.Links, want.Links)
	}
}

func (s *tally) dataset(t *testing.T, path string, d, w meta.Dataset) {
	if w.Layout == meta.Virtual { // libhdf5 tells its extent by its sources
		d.Shape, w.Shape = nil, nil
	}
	one := func(d meta.Dataset) string {
		for i := range d.Filters {
			d.Filters[i].Name = "" // libhdf5 fills in its own
		}
		return fmt.Sprint(d.Path, d.Space, d.Shape, d.Max, d.Layout, d.Chunk, d.Filters, d.External, d.Storage)
	}
	if one(d) != one(w) {
		t.Errorf("%s: dataset %s %s\nlibhdf5 %s", path, one(d), d.Err, one(w))
	}
}

func (s *tally) attrs(t *testing.T, name string, got, want meta.Attrs) {
	if want.Err != "" {
		s.refuse(want.Err)
		return
	}
	if got.Err != "" || len(got.All) != len(want.All) {
		t.Errorf("%s: %d attributes (%s), libhdf5 %d", name, len(got.All), got.Err, len(want.All))
		return
	}
	for i, w := range want.All {
		s.attribute(t, name, got, got.All[i], w)
	}
}

func (s *tally) attribute(t *testing.T, name string, all meta.Attrs, g, w meta.Attr) {
	if w.Err != "" {
		s.refuse(w.Err)
		return
	}
	v, err := all.Value(w.Name)
	if g.Name != w.Name || err != nil {
		t.Errorf("%s: attribute %q, libhdf5 %q: %v", name, g.Name, w.Name, err)
		return
	}
	var a, b any
	if json.Unmarshal(v, &a) != nil || json.Unmarshal(w.Value, &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%s: attribute %q is %.300s, libhdf5 %.300s", name, g.Name, v, w.Value)
		return
	}
	s.attributes++
}
