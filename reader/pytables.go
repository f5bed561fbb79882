package reader

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/conventions"
)

// byPyTables tells whether PyTables wrote the file. That it cannot be told is an error, for values depend on it.
func (f *File) byPyTables(ctx context.Context) (bool, error) {
	f.mu.Lock()
	known := f.pytables
	f.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	is, err := f.objects.RootHas(ctx, conventions.FormatVersion)
	if err != nil {
		return false, fault.New(fault.Of(err), "attributes of the root group, whose %s tells PyTables' strings from others: %w", conventions.FormatVersion, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pytables = &is
	return is, nil
}
