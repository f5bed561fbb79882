package reader

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// library is libhdf5: in helper processes, or in this one where a user of the package chose so.
type library interface {
	Tree(ctx context.Context, f h5proc.File) (*meta.File, error)
	Dataset(ctx context.Context, f h5proc.File, name string) (meta.Dataset, error)
	store.SlabReader
	Counts() h5proc.Counts
	Close() error
}

// MaybeServeHelper does nothing: a process that was started as a helper of an Engine never gets to main.
//
// Deprecated: leave the call out. It will be removed two minor releases after 0.1.
func MaybeServeHelper() {}
