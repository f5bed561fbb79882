package main

import (
	"fmt"
	"io/fs"
	"strconv"
)

// fileMode is a flag of permissions in octal digits.
type fileMode fs.FileMode

func (m *fileMode) String() string { return fmt.Sprintf("%04o", uint32(*m)) }
func (m *fileMode) Type() string   { return "mode" }

func (m *fileMode) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return fmt.Errorf("write permissions in octal digits, as 0660")
	}
	*m = fileMode(n)
	return nil
}
