package frame

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
)

// texts makes c, whose Path is an array of objects, its item-th column of texts: codes of their own beside the file's
// datasets, which choose from the distinct texts. Other objects become the column's reason.
func (o *opener) texts(c *Column, item int) error {
	all, ok := o.objects[c.Path]
	if !ok {
		err := o.from.Unpickled(c.Path, func(v any) (err error) {
			all, err = o.objectColumns(c.Path, v)
			return err
		})
		switch kind := fault.Of(err); {
		case errors.Is(err, errPickle):
			all = nil
		case kind == fault.Unsupported || kind == fault.DataLoss:
			all = []Column{{Path: c.Path, Reason: err.Error()}}
		case err != nil:
			return err
		}
		o.objects[c.Path] = all
	}
	switch {
	case len(all) == 1 && all[0].Reason != "":
		item = 0
	case item >= len(all):
		c.Reason = fmt.Sprintf(pickledValues, c.Path)
		return nil
	}
	made := all[item]
	c.Path, c.Item, c.As, c.Levels, c.Reason = made.Path, -1, made.As, made.Levels, made.Reason
	return nil
}

// objectColumns are the columns of a pickled array of one or two axes, rows first.
func (o *opener) objectColumns(path string, v any) ([]Column, error) {
	items, width, ok := objectArray(v)
	if !ok || width > maxColumns {
		return nil, errPickle
	}
	out := make([]Column, width)
	for i := range out {
		out[i] = o.coded(path, i, items, width)
	}
	return out, nil
}

// coded is the column of every width-th item from the first on.
func (o *opener) coded(path string, first int, items []any, width int) Column {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	codes := make([]int32, 0, len(items)/width)
	of := map[string]int32{}
	for i := first; i < len(items); i += width {
		s, kind := textOf(items[i])
		if kind == noText {
			return Column{Path: path, Reason: fmt.Sprintf(pickledValues, path)}
		}
		code, known := of[s]
		switch {
		case kind == nothing:
			code = -1
		case !known:
			code = int32(len(of))
			of[s] = code
			b.Append(s)
		}
		codes = append(codes, code)
	}
	c := Column{Path: fmt.Sprintf("%s/%d", path, first), As: Coded, Levels: &Levels{Values: b.NewArray()}}
	o.from.Keep(c.Path, codes)
	return c
}

type textKind uint8

const (
	noText textKind = iota
	aText
	nothing // None, NaN, NA
)

func textOf(v any) (string, textKind) {
	switch v := v.(type) {
	case nil:
		return "", nothing
	case float64:
		if math.IsNaN(v) {
			return "", nothing
		}
	case *Opaque:
		if v.Name == "pandas NA" || v.Name == "pandas._libs.missing NA" {
			return "", nothing
		}
	case string:
		if utf8.ValidString(v) {
			return v, aText
		}
	}
	return "", noText
}

// objectLabels are the labels that an array of objects holds, whatever their types.
func (o *opener) objectLabels(path string) (labels []Label, err error) {
	err = o.from.Unpickled(path, func(v any) error {
		items, width, ok := objectArray(v)
		if labels = pickledList(&List{Items: items}); !ok || width > 1 || labels == nil {
			return unsupported(pickledValues, path)
		}
		return nil
	})
	if errors.Is(err, errPickle) {
		err = unsupported(pickledValues, path)
	}
	return labels, err
}
