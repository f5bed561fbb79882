package frame

import (
	"strings"

	"github.com/mtflight/mtflight/internal/spell"
)

// annData is a group of AnnData with the encoding "dataframe": a dataset or group per column, named by the attributes
// _index and column-order (anndata's on-disk format, "Dataframes").
func (o *opener) annData(f *Frame) error {
	order, _ := o.attrs.python("column-order").(*List)
	if order == nil {
		order = &List{}
	}
	for _, item := range order.Items {
		name, ok := item.(string)
		if !ok {
			return unsupported("the attribute column-order cannot be read: ask the raw nodes below it")
		}
		c, err := o.annColumn(name)
		if err != nil {
			return err
		}
		f.Columns = append(f.Columns, c)
	}
	name := o.attrs.text("_index")
	c, err := o.annColumn(name)
	if err != nil {
		return err
	}
	if c.Index = true; name == "_index" {
		c.Label = Label{}
	}
	f.Columns, f.Names = append(f.Columns, c), []Label{{}}
	return nil
}

func (o *opener) annColumn(name string) (Column, error) {
	label := Label{name}
	name = spell.Escape(name) // of an object
	c := Column{Name: name, Label: label, Item: -1}
	if d := o.dataset(name); d != nil {
		c.Path = d.Path
		return c, o.oldCategories(&c, o.of(d))
	}
	path := o.path + "/" + name
	g := o.groupAt(path)
	if g == nil {
		return c, unsupported("the dataframe's column %.80s is missing", spell.Quote(name))
	}
	a := o.attributesOf(path, g.Attrs)
	switch encoding := a.text("encoding-type"); {
	case encoding == "categorical":
		c.Path, c.As, c.Ordered = path+"/codes", Categories, a.truth("ordered")
		return c, o.categories(&c, path+"/categories")
	case strings.HasPrefix(encoding, "nullable-"):
		c.Path, c.Mask, c.Masked = path+"/values", path+"/mask", true
	default:
		c.Path, c.Reason = path, "it is encoded as "+encoding+": ask the raw nodes below "+path
	}
	return c, nil
}

// oldCategories are those of files before AnnData 0.8: the codes refer to their dataset.
func (o *opener) oldCategories(c *Column, a attributes) error {
	path := a.ref("categories")
	d := o.datasetAt(path)
	if !a.has("categories") || d == nil {
		return nil
	}
	c.As, c.Ordered = Categories, o.of(d).truth("ordered")
	return o.categories(c, path)
}

// categories reads the values that codes choose from: a dataset, or one with a mask.
func (o *opener) categories(c *Column, path string) error {
	values := Column{Path: path, Item: -1}
	if g := o.groupAt(path); g != nil && strings.HasPrefix(o.attributesOf(path, g.Attrs).text("encoding-type"), "nullable-") {
		values.Path = path + "/values"
	}
	if o.datasetAt(values.Path) == nil {
		return unsupported("the categories %s are missing", path)
	}
	l, err := o.levels(values)
	c.Levels = l
	return err
}
