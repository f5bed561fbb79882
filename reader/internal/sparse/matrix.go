package sparse

import (
	"encoding/json"
	"errors"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Matrix is what a group says of the matrix in it.
type Matrix struct {
	Format string   // "csr": the rows are compressed, "csc": the columns
	Shape  [2]int64 // rows and columns
}

// The names of a matrix's datasets below its group.
const (
	Pointers = "indptr"
	Indices  = "indices"
	Values   = "data"
)

// Major is the extent of the axis whose rows are stored one after the other, Minor that of the one which indices are of.
func (m Matrix) Major() int64 { return m.Shape[m.axis()] }

func (m Matrix) Minor() int64 { return m.Shape[1-m.axis()] }

func (m Matrix) axis() int {
	if m.Format == "csc" {
		return 1
	}
	return 0
}

// formats are the values of the attributes that say that a group is a matrix: AnnData's encoding-type, and h5sparse_format of
// AnnData before 0.7.
var formats = map[string]string{"csr_matrix": "csr", "csc_matrix": "csc", "csr": "csr", "csc": "csc"}

// FormatOf tells what a group is that can be asked for like a dataset, by its attributes: a frame, a matrix; "" for any other.
func FormatOf(attrs meta.Attrs) (string, error) {
	format, err := frame.Format(attrs)
	if format != "" || err != nil {
		return format, err
	}
	if format, err = Format(attrs); format != "" {
		format += "_matrix"
	}
	return format, err
}

// Format tells which compressed matrix a group is, by its attributes, "csr" or "csc": "" for none. It fails where those that tell
// cannot be read.
func Format(attrs meta.Attrs) (string, error) {
	for _, name := range []string{"encoding-type", "h5sparse_format"} {
		says, err := attrs.Text(name)
		if errors.Is(err, meta.ErrNoText) {
			continue // somebody else's
		}
		if format := formats[says]; format != "" || err != nil {
			return format, err
		}
	}
	return "", nil
}

// Read takes a group's attributes for those of a matrix. Errors: fault.DataLoss, fault.Unsupported.
func Read(attrs meta.Attrs) (m Matrix, err error) {
	if m.Format, err = Format(attrs); err != nil {
		return m, fault.New(fault.DataLoss, "%w", err)
	}
	for _, name := range []string{"shape", "h5sparse_shape"} {
		v, err := attrs.Value(name)
		if err != nil {
			return m, fault.New(fault.DataLoss, "%w", err)
		}
		if v == nil {
			continue
		}
		var shape []int64
		if json.Unmarshal(v, &shape) != nil || len(shape) != 2 || min(shape[0], shape[1]) < 0 {
			return m, fault.New(fault.DataLoss, "the attribute %q of a matrix is no list of two extents: %.80s", name, v)
		}
		m.Shape = [2]int64(shape)
		return m, nil
	}
	return m, fault.New(fault.DataLoss, "the attribute \"shape\" of a matrix is missing")
}
