package objects

import (
	"context"

	"github.com/mtflight/mtflight/convert"
)

// pointees finds what elements only point at.
type pointees struct {
	*File
	ctx context.Context
}

// Pointees finds what elements of the file only point at.
func (f *File) Pointees(ctx context.Context) convert.Resolver { return pointees{f, ctx} }

// Heap is an object of the global heap.
func (p pointees) Heap(addr uint64, index uint32) ([]byte, error) { return p.heap.Object(addr, index) }

// RefName is a path of the object at an address.
func (p pointees) RefName(addr uint64) (string, bool, error) {
	name, err := p.Name(p.ctx, addr)
	return name, name != "", err
}
