package sparse

import (
	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/protocol"
)

// CheckPart refuses a dataset that is not what a matrix has at its path.
func CheckPart(path string, axes int, source convert.Source, typ arrow.DataType) error {
	switch {
	case axes != 1 || source.Kind() != convert.Array || source.Type.HasVarLen():
		return fault.New(fault.Unsupported, "%s of a sparse matrix is no list of numbers", path)
	case source.Name != Values && !arrow.IsInteger(typ.ID()):
		return fault.New(fault.Unsupported, "%s of a sparse matrix are no integers but %s", path, typ)
	}
	return nil
}

// CheckExtents compares those of the datasets with the matrix.
func (m Matrix) CheckExtents(pointers, indices, values int64) error {
	switch {
	case pointers-1 != m.Major():
		return fault.New(fault.DataLoss, "a %s matrix of %d x %d has %d pointers, not one more than %d", m.Format, m.Shape[0], m.Shape[1], pointers, m.Major())
	case indices != values:
		return fault.New(fault.DataLoss, "a sparse matrix has %d indices and %d values", indices, values)
	}
	return nil
}

// CheckRequest refuses what only a raw node can do, and columns beside the only one.
func CheckRequest(r protocol.Request, column string) error {
	what := ""
	switch {
	case r.Select != nil:
		what = "select"
	case r.Where != nil:
		what = "where"
	case r.SortBy != "":
		what = "sort_by"
	case r.Options.Layout == "rows":
		what = `options.layout "rows"`
	case r.Stream != nil && r.Stream.Follow:
		what = "stream.follow"
	}
	if what != "" {
		return fault.New(fault.Unsupported, "%s is not served for a sparse matrix: ask the raw nodes below it", what)
	}
	for i, field := range r.Fields {
		if field != column || i > 0 {
			return fault.New(fault.NotFound, "no column %s beside %s, the rows of the sparse matrix", spell.Quote(field), spell.Quote(column))
		}
	}
	return nil
}
