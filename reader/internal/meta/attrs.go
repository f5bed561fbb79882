package meta

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// Attr is an attribute with its value as JSON (package attrs).
type Attr struct {
	Name  string
	Value json.RawMessage // nil with Bytes or Err
	Bytes uint64          // of a value that is too large to be listed; else 0
	Err   string          // why the value cannot be read
}

// Attrs are an object's attributes. An attribute is there, absent or unreadable, and what is unreadable never counts as
// absent.
type Attrs struct {
	All []Attr // in the order of names
	Err string // why there may be others
	// Load reads a value that is too large to be listed; nil: it cannot be had.
	Load func(name string) (json.RawMessage, error)
}

// Has tells whether there is an attribute of a name. It fails where that cannot be told.
func (a Attrs) Has(name string) (bool, error) {
	_, found := a.find(name)
	if !found && a.Err != "" {
		return false, fmt.Errorf("attributes: %s", a.Err)
	}
	return found, nil
}

// Value is the attribute of a name; nil if there is none. It fails where that, or its value, cannot be read.
func (a Attrs) Value(name string) (json.RawMessage, error) {
	has, err := a.Has(name)
	if !has || err != nil {
		return nil, err
	}
	i, _ := a.find(name)
	v, err := a.value(a.All[i])
	if err != nil {
		return nil, fmt.Errorf("attribute %s: %w", spell.Quote(name), err)
	}
	return v, nil
}

func (a Attrs) find(name string) (int, bool) {
	return slices.BinarySearchFunc(a.All, name, func(x Attr, name string) int { return cmp.Compare(x.Name, name) })
}

func (a Attrs) value(x Attr) (json.RawMessage, error) {
	switch {
	case x.Err != "":
		return nil, errors.New(x.Err)
	case x.Bytes > 0 && a.Load == nil:
		return nil, fmt.Errorf("a value of %d bytes", x.Bytes)
	case x.Bytes > 0:
		return a.Load(x.Name)
	}
	return x.Value, nil
}

// ErrNoText is of an attribute that is there but is no text.
var ErrNoText = errors.New("no text")

// Text is an attribute that is a text, "" without one; one that is no UTF-8 is no name that decides anything. Errors:
// fault.DataLoss if it cannot be read, or is ErrNoText.
func (a Attrs) Text(name string) (string, error) {
	v, err := a.Value(name)
	if err != nil {
		return "", fault.New(fault.DataLoss, "%w", err)
	}
	var s string
	if v != nil && json.Unmarshal(v, &s) != nil {
		return "", fault.New(fault.DataLoss, "attribute %q is %w", name, ErrNoText)
	}
	return s, nil
}
