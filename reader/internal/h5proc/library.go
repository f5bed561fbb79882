package h5proc

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Library is libhdf5: in helper processes, or in this one where a user of the reader chose so.
type Library interface {
	Tree(ctx context.Context, f File) (*meta.File, error)
	Dataset(ctx context.Context, f File, name string) (meta.Dataset, error)
	ReadSlab(ctx context.Context, f File, name string, start, count []uint64, dst []byte) error
	Counts() Counts
	Close() error
}

// Both are the two, in this process or in helpers that start when needed. Close them.
func Both(cfg Config, here bool) (Library, Unfilter) {
	if here {
		both := NewInProcess(cfg.Plugins)
		return both, both
	}
	return New(cfg), NewFilters(cfg)
}
