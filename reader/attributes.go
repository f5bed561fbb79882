package reader

import (
	"context"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/attributes"
)

// Attributes finds attributes of a group, a dataset or a committed type by its absolute path, following links inside the
// file's roots; nil: all. The caller closes what it gets. Errors: ErrNotFound with near matches for an object or a name
// that is not there, ErrDataLoss where that cannot be told.
func (f *File) Attributes(ctx context.Context, path string, names []string) (*AttributeSet, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fault.New(fault.NotFound, "%s: no such object %q: its name is an absolute path, perhaps %q", f.loc.Name, path, "/"+path)
	}
	return settled(ctx, f, func(f *File) (*attributes.Set, error) { return f.attributeSet(ctx, path, path, names, 0) })
}

// attributeSet finds attributes of an object that was asked for by another name, maybe of another file.
func (f *File) attributeSet(ctx context.Context, path, asked string, names []string, hops int) (*attributes.Set, error) {
	if err := f.whole(); err != nil {
		return nil, err
	}
	o, leaving, err := f.objects.Object(ctx, path)
	if err != nil {
		return nil, f.failed(err)
	}
	if o == nil {
		other, err := f.beyond(ctx, leaving.OtherFile, asked, hops)
		if err != nil {
			return nil, err
		}
		return other.attributeSet(ctx, leaving.Path, asked, names, hops+1)
	}
	of := attributes.Owner{Name: f.loc.Name, OffsetSize: int(f.h5.SizeOfOffsets), Resolver: f.objects.Pointees, Acquire: f.eng.Acquire, Release: f.eng.Release}
	return attributes.New(of, o, asked, names)
}
