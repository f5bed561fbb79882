// Package listing says what is in a file in the words of the protocol: groups, links, and datasets of which nothing is known.
//
// All that it returns is the caller's, but for the attributes, which are those of the tree.
package listing

import (
	"encoding/json"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/sparse"
)

// Of is a tree without the datasets that can be read.
func Of(m *meta.File, state string) *protocol.Tree {
	t := &protocol.Tree{State: state, Groups: []protocol.GroupInfo{}, Datasets: []protocol.Info{}, Links: []protocol.LinkInfo{}}
	for _, g := range m.Groups {
		t.Groups = append(t.Groups, group(g))
	}
	for _, l := range m.Links {
		t.Links = append(t.Links, protocol.LinkInfo{Path: l.Path, Kind: l.Kind, File: l.File, Target: l.Target, Order: l.Order})
	}
	return t
}

func group(g meta.Group) protocol.GroupInfo {
	out := protocol.GroupInfo{Path: g.Path, Named: g.Named, Attributes: g.Attrs.JSON(), Comment: g.Comment, Error: g.Err, Witness: g.Witness, Order: g.Order}
	out.Frame, _ = sparse.FormatOf(g.Attrs) // what cannot be read is among the attributes
	if typ, err := h5type.Parse(g.Type); g.Named && err == nil {
		out.Type = typ.String()
	}
	return out
}

// Unlisted stands for the datasets of groups that cannot be listed, so that they do not go missing unseen.
func Unlisted(groups []meta.Group) (out []protocol.Info) {
	for _, g := range groups {
		if g.Err != "" {
			d := Unknown(g.Path, g.Attrs.JSON())
			d.Reason = "a group that cannot be listed whole: " + g.Err
			out = append(out, d)
		}
	}
	return out
}

// Unknown is what a dataset is before anything of it is known.
func Unknown(path string, attrs json.RawMessage) protocol.Info {
	return protocol.Info{Path: path, Kind: "unsupported", Rows: protocol.Unknown, Bytes: protocol.Unknown, Stored: protocol.Unknown, Attributes: attrs}
}

// Metadata is what schemas say of a dataset: docs/protocol.md, section 4.
func Metadata(file, dataset string, of protocol.Info, attributes json.RawMessage) map[string]string {
	return map[string]string{
		"hdf5.file": file, "hdf5.dataset": dataset, "hdf5.kind": of.Kind, "hdf5.shape": JSON(of.Shape), "hdf5.chunks": JSON(of.Chunks),
		"hdf5.filters": JSON(of.Filters), "hdf5.attributes": string(attributes),
	}
}

// JSON is a list as text, null for nil.
func JSON[T any](v []T) string {
	b, _ := json.Marshal(v) // numbers and strings always have a form
	return string(b)
}
