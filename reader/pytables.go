package reader

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
)

// formatVersion is the attribute of the root group in every file that PyTables wrote (PyTables User's Guide, "Internal
// File Format").
const formatVersion = "PYTABLES_FORMAT_VERSION"

// byPyTables tells whether PyTables wrote the file. That it cannot be told is an error, for values depend on it.
func (f *File) byPyTables(ctx context.Context) (bool, error) {
	f.mu.Lock()
	known := f.pytables
	f.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	is, err := f.rootHas(ctx, formatVersion)
	if err != nil {
		return false, fault.New(fault.Of(err), "attributes of the root group, whose %s tells PyTables' strings from others: %w", formatVersion, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pytables = &is
	return is, nil
}

// rootHas tells whether the root group has an attribute of a name.
func (f *File) rootHas(ctx context.Context, name string) (bool, error) {
	attrs, err := f.h5.Attributes(f.h5.Root)
	if fault.Of(err) == fault.Unsupported {
		return f.listedRootHas(ctx, name)
	}
	for _, a := range attrs {
		if a.Name == "" && a.Err != nil {
			return false, a.Err
		}
		if a.Name == name {
			return true, nil
		}
	}
	return false, err
}

// listedRootHas is rootHas by libhdf5, for attributes that lie in a heap.
func (f *File) listedRootHas(ctx context.Context, name string) (bool, error) {
	n, err := f.allNodes(ctx)
	if err != nil {
		return false, err
	}
	root := n.Groups["/"]
	if root == nil {
		return false, fault.New(fault.DataLoss, "the root group cannot be listed")
	}
	for _, a := range root.Attrs {
		if a.Name == name {
			return true, nil
		}
		if a.Name == "" { // the list breaks off
			err = fault.New(fault.DataLoss, "%s", a.Err)
		}
	}
	return false, err
}
