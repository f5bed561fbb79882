package reader

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// layouts in the order of docs/support.md.
var layouts = []struct {
	name, what string
	index      chunkindex.IndexType // of chunked ones
}{
	{"compact", "in the object header", 0},
	{"contiguous", "in one piece; unfiltered elements of their final type go from the file right into the batches", 0},
	{"external", "in raw files beside the file", 0},
	{"chunked", "B-tree, version 1: all chunks of files up to HDF5 1.8", chunkindex.BTree1},
	{"chunked", "single chunk", chunkindex.Single},
	{"chunked", "implicit: unfiltered, allocated at once", chunkindex.Implicit},
	{"chunked", "fixed array: no unlimited axis", chunkindex.FixedArray},
	{"chunked", "extensible array: one unlimited axis", chunkindex.ExtensibleArray},
	{"chunked", "B-tree, version 2: more unlimited axes", chunkindex.BTree2},
	{"virtual", "of other datasets", 0},
}

// writeLayouts reads a dataset of every layout and says how that went.
func writeLayouts(t *testing.T, b *strings.Builder, eng *Engine) {
	b.WriteString("\n## Layouts\n\nSuperblocks 0 to 3, with a user block too. Read means: found and read without libhdf5, whose lock would keep\nreaders waiting for each other.\n\n")
	heading(b, "layout", "where the elements are", "read", "example")
	virtual, err := filepath.Glob("testdata/virtual/growing_*.h5")
	require.NoError(t, err)
	files := append([]string{"../testdata/latest.h5", "../testdata/layouts.h5", externalFile(t)}, virtual...)
	all := datasets(t, eng, files...)
	for _, l := range layouts {
		d := firstWith(all, l.name, l.index)
		require.NotNil(t, d, l.what)
		_, err := readAll(d, Request{})
		require.NoError(t, err)
		read := "natively"
		if d.viaLib != nil {
			read = "through libhdf5"
		}
		row(b, l.name, l.what, read, "`"+d.file.loc.Name+"` `"+d.info.Path+"`")
	}
}

func firstWith(all []*Dataset, layout string, index chunkindex.IndexType) *Dataset {
	for _, d := range all {
		if d.unsupported == nil && d.info.Layout == layout && (layout != "chunked" || d.object.Layout.Index == index) {
			return d
		}
	}
	return nil
}

// datasets opens all of some files, in order.
func datasets(t *testing.T, eng *Engine, files ...string) (all []*Dataset) {
	for _, path := range files {
		f, err := eng.Open(context.Background(), location.Location{Path: path, Name: filepath.Base(path)})
		require.NoError(t, err)
		tree, err := f.Tree(context.Background())
		require.NoError(t, err)
		for _, i := range tree.Datasets {
			d, err := f.Dataset(context.Background(), i.Path)
			require.NoError(t, err)
			all = append(all, d)
		}
	}
	return all
}

// externalFile is a file whose elements are in two raw files: 16 bytes from 5 on of the first, which has 0 to 39, and 24 of the
// second, which has 100 to 139.
func externalFile(t *testing.T) string {
	seed := unpacked(t, "internal/chunkindex/testdata/seed_external.h5.gz")
	path := filepath.Join(filepath.Dir(seed), "external.h5")
	require.NoError(t, os.Rename(seed, path))
	for name, first := range map[string]int{"one.raw": 0, "two.raw": 100} {
		raw := make([]byte, 40)
		for i := range raw {
			raw[i] = byte(first + i)
		}
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), name), raw, 0o600))
	}
	return path
}

const supportVirtual = `
## Virtual datasets

The mappings are read from the file and applied to the sources' own chunks, natively: regular and irregular hyperslabs,
points, unlimited selections and patterns of names (` + "`%b`" + `), sources inside the same file, sources that are virtual
themselves, variable-length data. A source that is not there is the fill value. Sources outside the served roots are refused.

A source of another type is converted as libhdf5 does (values of HDF5 2.0 on x86-64, oddities included): integers and
fractions are clipped to what the type holds, and cut off; fixed strings cut or padded; compounds by the names of their
members; arrays of one shape element by element; enumerations by name where they number their names differently, else as
numbers. Integers over 8 bytes, floats of 80 and 128 bits or in VAX order, references and sequences of another type are refused.
`

const supportRefused = `
So are, beside the types marked above: references of HDF5 1.12 to regions and attributes; integers in VAX byte order; times that are not 32 or 64
whole bits; enumerations of anything but integers; variable-length data in a virtual dataset whose source has another
type; references and nested variable-length data in a virtual dataset of
several files; Blosc2 chunks with dictionaries, blocks of variable length, registered or user-defined codecs and filters;
scaleoffset's e-scaling, which libhdf5 does not undo either; external files, virtual sources and links outside the served
roots.
`
