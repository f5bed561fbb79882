package reader

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/virtual"
)

var update = flag.Bool("update", false, "write docs/support.md")

const supportPage = "../docs/support.md"

// TestSupport keeps docs/support.md what the code says of itself. The page is of a build with the C libraries.
func TestSupport(t *testing.T) {
	var b strings.Builder
	b.WriteString(supportHead)
	writeFilters(&b)
	writeTypes(t, &b)
	eng := openEngine(t)
	writeLayouts(t, &b, eng)
	b.WriteString(supportVirtual)
	writeRefused(t, &b, eng)
	if *update {
		require.NoError(t, os.WriteFile(supportPage, []byte(b.String()), 0o644))
	}
	have, err := os.ReadFile(supportPage)
	require.NoError(t, err)
	require.Equal(t, string(have), b.String(), "docs/support.md is of an older state: run go test ./reader -run TestSupport -update")
}

const supportHead = `# What is read

Written by ` + "`go test ./reader -run TestSupport -update`" + ` from the tables that the code uses; do not edit.

Whatever is not served is listed with the kind ` + "`unsupported`" + ` and the reason; asking for it is ` + "`Unimplemented`" + ` with the
same reason.
`

func row(b *strings.Builder, cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

func heading(b *strings.Builder, cells ...string) {
	row(b, cells...)
	b.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
}

func writeFilters(b *strings.Builder) {
	b.WriteString("\n## Filters\n\nA pipeline of up to 32 filters in any order, with the mask of each chunk. These are undone in parallel, outside\nlibhdf5:\n\n")
	heading(b, "id", "filter", "undone by", "parameters")
	native := map[uint16]bool{}
	for _, f := range filter.Supported() {
		if filter.Decodes(f.ID) {
			native[f.ID] = true
			row(b, strconv.Itoa(int(f.ID)), f.Name, f.Code, f.Params)
		}
	}
	b.WriteString("\nA build without cgo (or with the tag `purego`) uses Go libraries instead of the C ones and has no szip.\n")
	b.WriteString(`
Any other filter is undone by its plug-in for libhdf5, in helper processes side by side, if the environment variable
HDF5_PLUGIN_PATH of the server names a directory that holds it (PyPI's hdf5plugin has many: ` +
		"`hdf5plugin.PLUGIN_PATH`" + `). It
gets the chunk's bytes, in its place among the other filters. A filter that no stored chunk was written with is passed over.
These are known by name:

`)
	heading(b, "id", "filter", "plug-in")
	for id := 1; id <= 0xffff; id++ {
		s := filter.Spec{ID: uint16(id)}
		if title := filter.Title(s); !native[s.ID] && !strings.HasSuffix(title, "(not registered)") {
			row(b, strconv.Itoa(id), between(title, "(", ")"), between(filter.Undecoded(s, "").Error(), "its plug-in (", ")"))
		}
	}
}

// between is what stands after a and before the last z; nothing without an a.
func between(s, a, z string) string {
	_, s, found := strings.Cut(s, a)
	if end := strings.LastIndex(s, z); found && end >= 0 {
		return s[:end]
	}
	return ""
}

func writeTypes(t *testing.T, b *strings.Builder) {
	b.WriteString("\n## Types\n\nA table gives a column per member, any other dataset one column named by the last part of its path. `plain` is\n`options.plain: true`, and so on; options that change nothing are left out. The last column is the NumPy dtype of\n`options.layout: \"rows\"`.\n\n")
	heading(b, "HDF5", "Arrow", "with options", "notes", "as rows")
	seen := map[h5type.Class]bool{}
	for _, s := range supported {
		seen[s.source.Type.Class] = true
		require.NoError(t, s.source.Type.Validate(), s.what)
		usual, notes := arrowOf(s.source, convert.Options{})
		row(b, s.what, usual, options(s.source, usual), strings.Join(append(notes, s.more()...), "; "), dtype(s.source))
	}
	for c := h5type.Integer; c <= h5type.Complex; c++ {
		require.True(t, seen[c], "no sample of class %d", c)
	}
}

// arrowOf is what a source becomes, with the marks of its first column, or why it doesn't.
func arrowOf(s convert.Source, o convert.Options) (columns string, notes []string) {
	p, err := convert.Compile(s, nil, o)
	if err != nil {
		return "refused: " + err.Error(), nil
	}
	schema := p.Schema(arrow.Metadata{})
	var names []string
	for _, f := range schema.Fields() {
		names = append(names, arrowText(f.Type))
	}
	meta := schema.Field(0).Metadata
	for _, mark := range []string{"ARROW:extension:name", "complex", "lossy"} {
		if i := meta.FindKey(mark); i >= 0 {
			notes = append(notes, "field metadata `"+mark+"`: "+meta.Values()[i])
		}
	}
	return "`" + strings.Join(names, "`, `") + "`", notes
}

// arrowText is a type as users of Arrow write it.
func arrowText(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.TimestampType:
		return "timestamp[" + t.Unit.String() + "]"
	case *arrow.DurationType:
		return "duration[" + t.Unit.String() + "]"
	case *arrow.DictionaryType:
		return "dictionary<" + arrowText(t.IndexType) + ", " + arrowText(t.ValueType) + ">"
	case *arrow.ListType:
		return "list<" + arrowText(t.Elem()) + ">"
	case *arrow.FixedSizeListType:
		return fmt.Sprintf("fixed_size_list<%s>[%d]", arrowText(t.Elem()), t.Len())
	case *arrow.StructType:
		var parts []string
		for _, f := range t.Fields() {
			parts = append(parts, f.Name+": "+arrowText(f.Type))
		}
		return "struct<" + strings.Join(parts, ", ") + ">"
	case *arrow.FixedSizeBinaryType:
		return fmt.Sprintf("fixed_size_binary[%d]", t.ByteWidth)
	}
	return t.String()
}

// options are those that make another type of it.
func options(s convert.Source, usual string) string {
	var out []string
	for _, c := range []struct {
		name string
		o    convert.Options
	}{
		{"plain", convert.Options{Plain: true}},
		{`strings "binary"`, convert.Options{Strings: "binary"}},
		{`enum "int"`, convert.Options{Enum: "int"}},
		{`time "numeric"`, convert.Options{Time: "numeric"}},
		{`tensors "nested"`, convert.Options{Tensors: "nested"}},
	} {
		if other, _ := arrowOf(s, c.o); other != usual {
			out = append(out, c.name+": "+other)
		}
	}
	return strings.Join(out, "; ")
}

func dtype(s convert.Source) string {
	p, err := convert.Compile(s, nil, convert.Options{Layout: "rows"})
	if err != nil {
		return "refused: " + err.Error()
	}
	meta := p.Schema(arrow.Metadata{}).Field(0).Metadata
	descr := meta.Values()[meta.FindKey("numpy.dtype")]
	return "`" + strings.ReplaceAll(descr, `\u003c`, "<") + "`"
}

// writeRefused lists datasets of testdata that no request can be served of, and bounds.
func writeRefused(t *testing.T, b *strings.Builder, eng *Engine) {
	b.WriteString("\n## Refused\n\nSome of what is refused, and the reason that a client gets:\n\n")
	heading(b, "example", "reason")
	for _, d := range datasets(t, eng, "../testdata/refused.h5") {
		if d.unsupported != nil {
			row(b, "`"+d.info.Path+"`", d.info.Reason)
		}
	}
	b.WriteString(supportRefused)
	b.WriteString("\nThese bounds keep damaged and hostile files harmless:\n\n")
	heading(b, "of", "bound")
	for _, c := range []struct {
		of    string
		bound int64
	}{
		{"bytes of an element", h5type.MaxSize},
		{"types inside types", h5type.MaxDepth},
		{"members and named values of a type", h5type.MaxMembers},
		{"bytes of a chunk before filters", 1 << 33},
		{"bytes of a chunk that a plug-in undoes", h5proc.MaxChunk},
		{"bytes that the elements of a batch may expand to", 1 << 30},
		{"virtual datasets inside each other", virtual.MaxNested},
		{"sources that a pattern of names stands for", virtual.MaxPattern},
		{"source files of a virtual dataset of variable-length data", virtual.MaxOrigins},
		{"external links that lead to external links", maxHops},
		{"bytes of a batch", fill.MaxBatch},
	} {
		row(b, c.of, strconv.FormatInt(c.bound, 10))
	}
}
