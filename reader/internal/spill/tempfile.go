package spill

import (
	"errors"
	"io/fs"
	"os"

	"github.com/mtflight/mtflight/internal/fault"
)

// BufferBytes is of a buffer before a temporary file.
const BufferBytes = 256 << 10

// TempFile is a file without a name: it is gone when it is closed, or when the process ends.
func TempFile() (*os.File, error) {
	f, err := os.CreateTemp("", "mtflight-sort-*")
	if err != nil {
		return nil, Failed(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, Failed(err)
	}
	return f, nil
}

// Failed is an error of a temporary file: fault.Exhausted, saying what would help.
func Failed(err error) error {
	if p := new(fs.PathError); errors.As(err, &p) { // the name is of no use: the file has none any more
		err = p.Err
	}
	return fault.New(fault.Exhausted, "rows on disk: %w: make room in the folder for temporary files (TMPDIR) or raise --memory", err)
}
