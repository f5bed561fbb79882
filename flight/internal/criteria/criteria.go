// Package criteria has which files and datasets a listing is to have, as clients say it.
package criteria

import (
	"github.com/mtflight/mtflight/internal/glob"
	"github.com/mtflight/mtflight/internal/strict"
	"github.com/mtflight/mtflight/reader"
)

// Criteria choose files and datasets by globs and kind; empty members choose all.
type Criteria struct {
	File, kind string
	dataset    *glob.Glob
	Frames     bool // list data frames too, which are groups, behind the datasets that they are made of
	Columns    bool // and tables of columns
	Attributes bool // with the attributes of everything that is listed
}

// Parse reads what a client sends; nothing chooses all. Errors: fault.Invalid.
func Parse(data []byte) (c Criteria, err error) {
	dataset := ""
	c.Attributes = true
	defer func() { c.dataset = glob.New(dataset) }()
	if len(data) == 0 {
		return c, nil
	}
	o, err := strict.Parse("criteria", data)
	if err != nil {
		return c, err
	}
	return c, o.BindAll("criteria", "", map[string]strict.Bind{
		"file": strict.Text(&c.File), "dataset": strict.Text(&dataset), "kind": strict.Choice(&c.kind, "table", "array", "vlarray", "sparse", "columns"),
		"frames": strict.Boolean(&c.Frames), "columns": strict.Boolean(&c.Columns), "attributes": strict.Boolean(&c.Attributes),
	})
}

// Takes tells whether a dataset is chosen.
func (c Criteria) Takes(d reader.Info) bool {
	return !reader.Hidden(d.Path) && (c.kind == "" || c.kind == d.Kind) && c.dataset.Match(d.Path)
}

// TakesBroken tells whether files are listed that cannot be read: not where only some datasets are asked for.
func (c Criteria) TakesBroken() bool { return c.kind == "" && c.dataset.All() }

// Chosen is the part of a tree that criteria choose; the groups and links are those of the whole file.
func (c Criteria) Chosen(t *reader.Tree) *reader.Tree {
	out := &reader.Tree{Groups: []reader.GroupInfo{}, Datasets: []reader.Info{}, Links: []reader.LinkInfo{}, Pattern: t.Pattern}
	for _, g := range t.Groups {
		if !reader.Hidden(g.Path) {
			if !c.Attributes {
				g.Attributes = nil
			}
			out.Groups = append(out.Groups, g)
		}
	}
	for _, d := range t.Datasets {
		if c.Takes(d) {
			if !c.Attributes {
				d.Attributes = nil
			}
			out.Datasets = append(out.Datasets, d)
		}
	}
	for _, l := range t.Links {
		if !reader.Hidden(l.Path) {
			out.Links = append(out.Links, l)
		}
	}
	return out
}

// MayTake tells whether a dataset may be chosen of which only names are known.
func (c Criteria) MayTake(file, dataset string) bool {
	return glob.New(c.File).Match(file) && c.dataset.Match(dataset)
}
