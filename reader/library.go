package reader

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// library is libhdf5: in helper processes, or in this one where a user of the package chose so.
type library interface {
	Tree(ctx context.Context, path string) (*meta.File, error)
	Dataset(ctx context.Context, path, name string) (meta.Dataset, error)
	ReadSlab(ctx context.Context, path, name string, start, count []uint64, dst []byte) error
	Filter(ctx context.Context, id uint16) error
	Close() error
}

// MaybeServeHelper does nothing: a process that was started as a helper of an Engine never gets to main.
//
// Deprecated: leave the call out. It will be removed two minor releases after 0.1.
func MaybeServeHelper() {}
