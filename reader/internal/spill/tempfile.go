package spill

import (
	"errors"
	"io/fs"
	"os"

	"github.com/mtflight/mtflight/internal/fault"
)

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

func Failed(err error) error {
	if p := new(fs.PathError); errors.As(err, &p) { // the file has no name that anybody could look at
		err = p.Err
	}
	return fault.New(fault.Exhausted, "rows on disk: %w: make room in the folder for temporary files (TMPDIR) or raise --memory", err)
}
